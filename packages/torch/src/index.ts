export * from './autograd.js'
export {
  type Argument,
  type CallObserver,
  Named,
  named,
  Operator,
  observeCalls,
  operator,
  type Result,
} from './call.js'
export { checkpoint } from './checkpoint.js'
export * from './create.js'
export * as F from './functional/index.js'
export { keep, liveTensors, scope } from './lifetime.js'
export type { About } from './native.js'
export * as nn from './nn/index.js'
export { buffer, Module, parameter } from './nn/module.js'
export { Tensor } from './ops/index.js'
export * as optim from './optim/index.js'
export * from './runtime.js'
export {
  type LoadedPth,
  type LoadedTensors,
  loadPth,
  loadTensors,
  readMetadata,
  saveTensors,
} from './state-files.js'
export type { DType, MemoryFormat, TensorArray } from './tensor.js'
