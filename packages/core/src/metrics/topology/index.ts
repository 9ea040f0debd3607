export * from './betti-matching-error.js'
export * from './betti-numbers.js'
export * from './cl-dice.js'
export * from './diu.js'
