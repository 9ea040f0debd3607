export { type CropOptions, cropDefaults } from './lesion-crops.js'
export * from './write-crops.js'
