export { niftiFormat } from './read.js'
export { encodeNifti, writeNifti } from './write.js'
