export { normaliseValues, preprocessedChannels, storedValue, type ValueMap } from '@septum/core'
export { type Preprocessed, preprocess, preprocessedSize, restore, type Stored } from './preprocess.js'
export * from './schema.js'
