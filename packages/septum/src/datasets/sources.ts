import type { ImageGeometry, ImageSamples, MedicalImage } from '@septum/core'
import { SeptumError } from '@septum/core'
import {
  type ImageHeader,
  type ReadLimits,
  readImage,
  readImageHeader,
  readKnownImage,
} from '../formats/index.js'
import { readArray, readArrayHeader } from './readers/arrays.js'
import { findFundusField } from './readers/fundus-field.js'
import { readGif, readGifHeader } from './readers/gif.js'
import { drawLidcContours } from './readers/lidc-contours.js'
import { readPnm, readPnmHeader } from './readers/pnm.js'
import { drawPolygons } from './readers/polygons.js'

/** How samples are got where the content of a file alone does not say it. */
export type SourceReader =
  /** Several masks of one image: the larger value counts. */
  | 'union'
  /** A binary file for each object: the objects are numbered in the order of the files. */
  | 'instances'
  /** Outlines of one LIDC-IDRI reader (`part`) in an XML file, on the grid of the CT series `like`. */
  | 'lidc-contours'
  /** Closed polygons of an ImageScope XML file, numbered, on the grid of the picture `like`. */
  | 'polygons'
  /** The lit field of a fundus photograph, found in the photograph itself. */
  | 'fundus-field'
  /** Pictures in formats that only old data sets use. */
  | 'gif'
  | 'pnm'

/** Where samples lie. Plain data: it may be sent to another thread. */
export interface ImageSource {
  readonly file: string
  /** Array inside the file (HDF5, npz), e.g. `label`; or what `reader` takes from it. */
  readonly part?: string
  /** Files that are laid over `file`: several masks of one image. */
  readonly more?: readonly string[]
  readonly reader?: SourceReader
  /** Image on whose grid outlines are drawn. */
  readonly like?: string
  /** The slices of the file are its channels. */
  readonly slicesAreChannels?: boolean
}

/** A source whose header has been read. */
export interface ImageFile extends ImageSource {
  readonly header: ImageHeader
}

type Limits = Partial<ReadLimits>

/** Reads what `readSource` would give, without its samples. @throws SeptumError as `readImageHeader`. */
export async function readSourceHeader(source: ImageSource, limits: Limits = {}): Promise<ImageHeader> {
  const { file, part, reader, like = file, slicesAreChannels } = source
  switch (reader) {
    case undefined: {
      const header =
        part === undefined ? await readImageHeader(file, limits) : await readArrayHeader(file, part, limits)
      if (!slicesAreChannels || header.shape.length !== 4) return header
      const { geometry, ...rest } = header
      const plane = flat(geometry)
      return { ...rest, shape: flatShape(header.shape), ...(plane ? { geometry: plane } : {}) }
    }
    case 'union':
    case 'instances':
      return readImageHeader(file, limits)
    case 'gif':
      return readGifHeader(file)
    case 'pnm':
      return readPnmHeader(file)
    case 'fundus-field': {
      const { shape } = await readSourceHeader(photographOf(file), limits)
      return {
        format: 'field of view',
        shape: [1, ...shape.slice(1)],
        maxValue: 1,
        sampleType: 'uint8',
        notes: [],
      }
    }
    case 'lidc-contours':
    case 'polygons': {
      const { shape, geometry } = await readImageHeader(like, limits)
      const drawn = { format: 'XML', shape: [1, ...shape.slice(1)], maxValue: 65535, notes: [] }
      return {
        ...drawn,
        sampleType: reader === 'polygons' ? 'uint16' : 'uint8',
        ...(geometry ? { geometry } : {}),
      }
    }
  }
}

/**
 * Reads the samples of a source.
 * @throws SeptumError as `readImage`; `mask-size` when masks of one image differ in size.
 */
export async function readSource(
  source: ImageSource | ImageFile,
  limits: Limits = {},
): Promise<MedicalImage> {
  const { file, part, reader, like = file, slicesAreChannels } = source
  switch (reader) {
    case undefined: {
      const whole = () =>
        'header' in source ? readKnownImage(file, source.header, limits) : readImage(file, limits)
      const image = part === undefined ? await whole() : await readArray(file, part, limits)
      if (!slicesAreChannels || image.shape.length !== 4) return image
      const { geometry, ...rest } = image
      const plane = flat(geometry)
      return { ...rest, shape: flatShape(image.shape), ...(plane ? { geometry: plane } : {}) }
    }
    case 'union':
      return overlaid(
        source,
        limits,
        (data) => data,
        (before, value) => Math.max(before, value),
      )
    case 'instances':
      return overlaid(
        source,
        limits,
        (data) => Uint16Array.from(data, (value) => (value > 0 ? 1 : 0)),
        (before, value, index) => (value > 0 ? index + 1 : before),
      )
    case 'gif':
      return readGif(file)
    case 'pnm':
      return readPnm(file)
    case 'fundus-field':
      return findFundusField(file)
    case 'lidc-contours':
      return drawLidcContours(file, Number(part ?? 0), like, limits)
    case 'polygons':
      return drawPolygons(file, (await readImageHeader(like, limits)).shape)
  }
}

/** A photograph by the ending of its name: STARE's are PPM files. */
const photographOf = (file: string): ImageSource =>
  /\.p[pg]m(\.gz)?$/i.test(file) ? { file, reader: 'pnm' } : { file }

async function overlaid(
  { file, more = [] }: ImageSource,
  limits: Limits,
  begin: (data: ImageSamples) => ImageSamples,
  combine: (before: number, value: number, index: number) => number,
): Promise<MedicalImage> {
  const first = await readImage(file, limits)
  const pixels = first.shape.slice(1).reduce((product, size) => product * size, 1)
  // A mask saved as RGB has equal channels; the first says all.
  const out = begin(first.data.slice(0, pixels))
  for (const [index, other] of more.entries()) {
    const { data, shape } = await readImage(other, limits)
    if (shape.slice(1).join() !== first.shape.slice(1).join()) {
      throw new SeptumError(
        'mask-size',
        `Masks of one image have ${shape.slice(1).join(' x ')} and ${first.shape.slice(1).join(' x ')} pixels`,
        'Export all masks of an image at its size.',
        { file: other },
      )
    }
    for (let i = 0; i < pixels; i++) out[i] = combine(out[i]!, data[i]!, index + 1)
  }
  return { ...first, data: out, shape: [1, ...first.shape.slice(1)] }
}

const flatShape = ([channels = 1, slices = 1, ...plane]: readonly number[]) => [channels * slices, ...plane]

function flat(geometry: ImageGeometry | undefined): ImageGeometry | undefined {
  if (!geometry) return undefined
  const { spacingMm, originMm, directions } = geometry
  return { spacingMm: spacingMm.slice(1), originMm, directions: directions.slice(1) }
}
