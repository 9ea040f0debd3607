export * from './check-dataset.js'
export type { Spread } from './numbers.js'
export * from './thumbnail.js'
export * from './types.js'
