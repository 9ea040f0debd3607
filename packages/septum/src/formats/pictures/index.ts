export { bmpFormat } from './bmp.js'
export * from './tiff/index.js'
