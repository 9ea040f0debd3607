export { normaliseValues, preprocessedChannels, storedValue, type ValueMap } from './intensity.js'
export { type Preprocessed, preprocess, preprocessedSize, restore, type Stored } from './preprocess.js'
export * from './schema.js'
