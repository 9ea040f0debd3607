export * from './intensity.js'
export { percentiles } from './quantiles.js'
