export { tiffFormat } from './format.js'
export { readTiff, readTiffHeader } from './read.js'
