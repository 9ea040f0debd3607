import { randomBytes } from 'node:crypto'
import { rename, rm, writeFile } from 'node:fs/promises'
import { type MedicalImage, SeptumError } from '@septum/core'
import sharp from 'sharp'

/** Pixels to write: [1, H, W] grey or [3, H, W] RGB, 8 or 16 bits. */
export type WritablePicture = Pick<MedicalImage, 'shape'> & { readonly data: Uint8Array | Uint16Array }

/**
 * Encodes a picture as PNG, lossless.
 * @throws SeptumError `picture-shape` for shapes other than [1, H, W] and [3, H, W].
 */
export async function encodePng({ data, shape }: WritablePicture): Promise<Buffer> {
  const [channels, height, width] = shape
  const fits = shape.length === 3 && channels! * height! * width! === data.length && data.length > 0
  if (!fits || (channels !== 1 && channels !== 3)) {
    throw new SeptumError(
      'picture-shape',
      `A PNG cannot hold ${data.length} values of shape [${shape.join(', ')}]`,
      'Give [1, height, width] for grey or [3, height, width] for RGB.',
    )
  }
  const deep = data instanceof Uint16Array
  const space = channels === 1 ? (deep ? 'grey16' : 'b-w') : deep ? 'rgb16' : 'srgb'
  return sharp(interleave(data, channels), { raw: { width: width!, height: height!, channels } })
    .toColourspace(space)
    .png({ compressionLevel: 9 })
    .toBuffer()
}

/**
 * Writes a picture as PNG; the file appears whole or not at all.
 * @throws SeptumError `write-failed` when the folder is missing, read-only or the disk is full.
 */
export async function writePng(file: string, picture: WritablePicture): Promise<void> {
  await writeWhole(file, await encodePng(picture))
}

/**
 * Writes a label mask as 8-bit grey PNG.
 * @param labels [H, W] label values. @param scale factor on every label: 255 makes a binary mask visible.
 */
export async function writeMask(
  file: string,
  labels: Uint8Array,
  [height, width]: readonly [number, number],
  scale = 1,
): Promise<void> {
  await writePng(file, {
    data: scale === 1 ? labels : labels.map((label) => label * scale),
    shape: [1, height, width],
  })
}

/** Writes under a temporary name beside `file` and renames. */
export async function writeWhole(file: string, content: Uint8Array | string): Promise<void> {
  const temporary = `${file}.${randomBytes(4).toString('hex')}.tmp`
  try {
    await writeFile(temporary, content, { flush: true })
    await rename(temporary, file)
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {})
    throw new SeptumError('write-failed', writeProblem(cause), writeRemedy(cause), { file }, { cause })
  }
}

function writeProblem(cause: unknown): string {
  switch ((cause as NodeJS.ErrnoException).code) {
    case 'ENOSPC':
      return 'The disk is full'
    case 'EROFS':
    case 'EACCES':
    case 'EPERM':
      return 'The folder may not be written'
    case 'ENOENT':
    case 'ENOTDIR':
      return 'The folder does not exist'
    default:
      return `The file could not be written (${cause instanceof Error ? cause.message : cause})`
  }
}

function writeRemedy(cause: unknown): string {
  return (cause as NodeJS.ErrnoException).code === 'ENOSPC'
    ? 'Free some space and run the command again.'
    : 'Choose another output folder or change its permissions.'
}

function interleave(data: Uint8Array | Uint16Array, channels: number): Uint8Array | Uint16Array {
  if (channels === 1) return data
  const pixels = data.length / channels
  const out = data instanceof Uint16Array ? new Uint16Array(data.length) : new Uint8Array(data.length)
  for (let channel = 0; channel < channels; channel++) {
    for (let pixel = 0; pixel < pixels; pixel++)
      out[pixel * channels + channel] = data[channel * pixels + pixel]!
  }
  return out
}
