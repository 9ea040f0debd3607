export { contentKey } from './content-key.js'
export { DiskCache, type DiskCacheOptions } from './disk-cache.js'
export type { CachedArray, CacheEntry } from './entry.js'
