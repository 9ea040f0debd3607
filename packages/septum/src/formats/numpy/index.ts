export { npyFormat, npzFormat, npzNames, readNpy, readNpz, readNpzArray } from './read.js'
export { writeNpy } from './write.js'
