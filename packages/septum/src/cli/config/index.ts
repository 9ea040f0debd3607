export * from './option-rows.js'
export * from './render.js'
export * from './resolve.js'
export * from './resume.js'
