export { metaImageFormat } from './read.js'
export { writeMetaImage } from './write.js'
