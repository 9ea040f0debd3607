import { SeptumError } from '@septum/core'

/** A browser tab holds several maps of the image at once: 25 million pixels stay well within its memory. */
export const mostPixels = 25_000_000
export const mostBytes = 200_000_000
/** Of a file on disk, and of its samples in memory: a CT of 512 x 512 x 1000. The page holds them a few times. */
export const mostVolumeBytes = 2 ** 29

export function checkBytes(bytes: number, file: string): void {
  if (bytes <= mostBytes) return
  throw tooLarge(
    `The file has ${Math.round(bytes / 1e6)} MB, more than the ${mostBytes / 1e6} MB read here`,
    file,
  )
}

export function checkVolumeBytes(bytes: number, file: string): void {
  if (bytes <= mostVolumeBytes) return
  throw tooLarge(
    `The file has ${Math.round(bytes / 1e6)} MB, more than the ${Math.round(mostVolumeBytes / 1e6)} MB read here`,
    file,
  )
}

/** @throws SeptumError `viewer-too-large`, before anything of that size is allocated. */
export function checkPixels(width: number, height: number, file: string): void {
  if (width === 0 || height === 0) throw broken(file)
  if (width * height <= mostPixels) return
  const limit = `${mostPixels / 1e6} million`
  throw tooLarge(`The image has ${width} × ${height} pixels, more than the ${limit} that fit in a page`, file)
}

function tooLarge(message: string, file: string): SeptumError {
  const hint = 'Crop it, or use `septum predict`, which has no such limit.'
  return new SeptumError('viewer-too-large', message, hint, { file })
}

export function broken(file: string): SeptumError {
  const hint = 'Save or send it again; the file is cut off or damaged.'
  return new SeptumError('viewer-broken', 'The image cannot be decoded', hint, { file })
}
