/** Bytes that can be read from their beginning: a file, an entry of an archive, a deflated data set. */
export interface ByteSource {
  /** Path named in errors. An entry of an archive is named by its archive: entry names often hold patients. */
  readonly file: string
  /** The first `count` bytes, or all when there are fewer. */
  head(count: number): Promise<Uint8Array>
  /** What follows byte `start`, inflated (raw deflate); absent where that cannot be done. */
  inflated?(start: number): Promise<ByteSource>
}
