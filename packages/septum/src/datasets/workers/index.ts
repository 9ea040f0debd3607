export { DecodePool, type DecodePoolOptions } from './decode-pool.js'
