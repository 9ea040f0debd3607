export { jsonLog, type Log, silentLog } from './log.js'
export { type RunningServer, type ServeOptions, serve } from './serve.js'
export { defaultLimits, type ServerLimits } from './settings.js'
