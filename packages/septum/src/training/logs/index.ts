export * from './jsonl.js'
export * from './tensorboard.js'
