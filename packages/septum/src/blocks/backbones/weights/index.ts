export { type ImportReport, importWeights, type MatchReport, matchWeights } from './import.js'
export { howToGet, loadPretrained } from './pretrained.js'
export { findWeights, weightsFolder } from './store.js'
