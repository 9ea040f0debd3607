/**
 * An 8-bit grey PNG of exact values, without the canvas that a browser may round or disturb.
 * @param values [H * W] in [0, 255].
 */
export async function greyPng(
  values: Uint8Array,
  [height, width]: readonly [number, number],
): Promise<Uint8Array> {
  const lines = new Uint8Array(height * (width + 1))
  for (let y = 0; y < height; y++) {
    lines.set(values.subarray(y * width, (y + 1) * width), y * (width + 1) + 1)
  }
  const header = new Uint8Array(13)
  const view = new DataView(header.buffer)
  view.setUint32(0, width)
  view.setUint32(4, height)
  header[8] = 8
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)
  const parts = [
    signature,
    chunk('IHDR', header),
    chunk('IDAT', await compressed(lines, 'deflate')),
    chunk('IEND', new Uint8Array(0)),
  ]
  return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer())
}

/** @param format `deflate` (zlib, RFC 1950) or `gzip`. */
export async function compressed(bytes: Uint8Array, format: CompressionFormat): Promise<Uint8Array> {
  const stream = new Blob([bytes as BlobPart]).stream().pipeThrough(new CompressionStream(format))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

function chunk(type: string, body: Uint8Array): Uint8Array {
  const out = new Uint8Array(body.length + 12)
  const view = new DataView(out.buffer)
  view.setUint32(0, body.length)
  out.set(new TextEncoder().encode(type), 4)
  out.set(body, 8)
  view.setUint32(body.length + 8, crc(out.subarray(4, body.length + 8)))
  return out
}

/** CRC-32 of PNG, section 5.5, bit by bit: the files are small. */
function crc(bytes: Uint8Array): number {
  let value = 0xffffffff
  for (const byte of bytes) {
    value ^= byte
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0)
  }
  return (value ^ 0xffffffff) >>> 0
}
