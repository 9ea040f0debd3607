export { npyFormat, npzFormat, npzNames, readNpy, readNpzArray } from './read.js'
export { writeNpy } from './write.js'
