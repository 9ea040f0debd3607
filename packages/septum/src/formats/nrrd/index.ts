export { nrrdFormat } from './read.js'
export { writeNrrd } from './write.js'
