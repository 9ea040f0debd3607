export * from './layer-meter.js'
export * from './prediction-cost.js'
export * from './tree.js'
