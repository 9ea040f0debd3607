export * from './apply.js'
export { inverseMap } from './geometry.js'
export * from './parameters.js'
