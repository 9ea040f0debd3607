/** Keeps what was used last, up to a number of bytes. */
export class ByteCache<V> {
  private readonly entries = new Map<string, { readonly value: V; readonly bytes: number }>()
  private used = 0

  /** @param limit bytes to keep at most; 0 keeps nothing. */
  constructor(private readonly limit: number) {}

  get bytes(): number {
    return this.used
  }

  get(key: string): V | undefined {
    const entry = this.entries.get(key)
    if (!entry) return undefined
    // A map iterates in order of insertion, so the first key is the one unused for longest.
    this.entries.delete(key)
    this.entries.set(key, entry)
    return entry.value
  }

  /** Values larger than the limit are not kept. */
  set(key: string, value: V, bytes: number): void {
    this.drop(key)
    if (bytes > this.limit) return
    this.entries.set(key, { value, bytes })
    this.used += bytes
    for (const oldest of this.entries.keys()) {
      if (this.used <= this.limit) break
      this.drop(oldest)
    }
  }

  private drop(key: string): void {
    const entry = this.entries.get(key)
    if (!entry) return
    this.entries.delete(key)
    this.used -= entry.bytes
  }
}
