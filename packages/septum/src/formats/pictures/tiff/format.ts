import type { ImageFormat } from '../../format.js'
import { looksLikeTiff } from './directory.js'
import { readTiff, readTiffHeader } from './read.js'

/** TIFF and BigTIFF; several pages are a volume. */
export const tiffFormat: ImageFormat = {
  name: 'TIFF',
  extensions: ['.tif', '.tiff'],
  recognises: looksLikeTiff,
  readHeader: readTiffHeader,
  read: (file, limits) => readTiff(file, limits),
}
