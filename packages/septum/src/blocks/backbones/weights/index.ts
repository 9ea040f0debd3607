export { type ImportReport, importWeights, type MatchReport, matchWeights } from './import.js'
export { howToGet, loadPretrained } from './pretrained.js'
export { findWeights, importedFile, type StoredName, weightsFolder } from './store.js'
