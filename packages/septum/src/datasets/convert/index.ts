export * from './convert-dataset.js'
