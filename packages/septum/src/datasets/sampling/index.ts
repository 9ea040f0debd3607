export { type Foreground, findForeground } from './foreground.js'
export { placePatch } from './patches.js'
