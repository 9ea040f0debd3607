/** The part of WebAssembly's memory that is used; Node's types leave it out. */
interface WasmMemory {
  readonly buffer: ArrayBuffer
  grow(pages: number): number
}

const PAGE_BYTES = 65536

/** Bounds the memory that WebAssembly programs of this thread may take. */
export interface MemoryGuard {
  /** Bytes that a memory may grow to. */
  most: number
  /** Bytes that the largest memory has grown to; it never shrinks. */
  readonly used: number
}

/**
 * Refuses growth beyond a bound: the program sees a failed allocation, as on a machine without memory. A thread's
 * `resourceLimits` leave such memory out. For threads of our own only: it changes what `WebAssembly.Memory` does.
 */
export function guardMemory(): MemoryGuard {
  const { Memory } = (globalThis as unknown as { WebAssembly: { Memory: { prototype: WasmMemory } } })
    .WebAssembly
  const grow = Memory.prototype.grow
  const guard = { most: Number.POSITIVE_INFINITY, used: 0 }
  Memory.prototype.grow = function (pages) {
    const wanted = this.buffer.byteLength + pages * PAGE_BYTES
    if (wanted > guard.most) throw new RangeError(`${wanted} bytes are beyond the bound of ${guard.most}`)
    const before = grow.call(this, pages)
    guard.used = Math.max(guard.used, wanted)
    return before
  }
  return guard
}
