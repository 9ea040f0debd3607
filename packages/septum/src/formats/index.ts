export * from './header.js'
export * from './read.js'
export * from './write.js'
