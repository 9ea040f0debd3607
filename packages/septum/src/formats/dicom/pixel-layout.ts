import type { DicomFile } from './file.js'
import { broken, fail, unsupported } from './problem.js'

/** The form of the samples in a file (PS3.3 C.7.6.3). */
export interface PixelLayout {
  readonly rows: number
  readonly columns: number
  readonly frames: number
  readonly samples: 1 | 3
  readonly bitsAllocated: number
  readonly bitsStored: number
  readonly highBit: number
  readonly signed: boolean
  /** Samples are floats of `bitsAllocated` bits. */
  readonly float: boolean
  readonly photometric: string
  /** Colours in planes instead of pixel by pixel. */
  readonly planar: boolean
}

const GREY = ['MONOCHROME1', 'MONOCHROME2']
const COLOUR = ['RGB', 'YBR_FULL', 'YBR_FULL_422', 'YBR_RCT', 'YBR_ICT', 'PALETTE COLOR']

/** Whether a data set has pixels: structured reports, directories and such have none. */
export function hasPixels({ dataset }: DicomFile): boolean {
  return pixelKeyword({ dataset }) !== undefined
}

/** The element that holds the samples. */
export function pixelKeyword({ dataset }: Pick<DicomFile, 'dataset'>) {
  return (['PixelData', 'FloatPixelData', 'DoubleFloatPixelData'] as const).find((keyword) =>
    dataset.element(keyword),
  )
}

/**
 * Reads and checks what a file says of its samples.
 * @throws SeptumError `dicom-pixels` without pixel data, `dicom-broken` for impossible numbers,
 * `dicom-unsupported` for colour models and depths that are not read.
 */
export function pixelLayout(dicom: DicomFile): PixelLayout {
  const { dataset, source } = dicom
  const { file } = source
  const keyword = pixelKeyword(dicom)
  if (!keyword) {
    fail('dicom-pixels', 'The DICOM file holds no picture', 'Give a DICOM image.', file)
  }
  const float = keyword !== 'PixelData'
  const photometric = dataset.text('PhotometricInterpretation') ?? 'MONOCHROME2'
  if (![...GREY, ...COLOUR].includes(photometric)) {
    unsupported(file, 'a retired or unknown colour model', 'Convert it to RGB or MONOCHROME2.')
  }
  const bitsAllocated = float ? (keyword === 'FloatPixelData' ? 32 : 64) : dataset.number('BitsAllocated')
  const rows = dataset.number('Rows')
  const columns = dataset.number('Columns')
  const frames = dataset.number('NumberOfFrames') ?? 1
  const samples = dataset.number('SamplesPerPixel') ?? 1
  if (!rows || !columns || !bitsAllocated) broken(file, 'its rows, columns or bits are missing')
  if (!Number.isInteger(frames) || frames < 1) broken(file, 'its number of frames is impossible')
  const colours = !GREY.includes(photometric) && photometric !== 'PALETTE COLOR' ? 3 : 1
  if (samples !== colours) broken(file, 'its samples per pixel do not fit its colour model')
  if (!float && ![1, 8, 16, 32].includes(bitsAllocated)) {
    unsupported(file, `samples of ${bitsAllocated} bits`, 'Convert it to 8, 16 or 32 bits.')
  }
  const bitsStored = float ? bitsAllocated : (dataset.number('BitsStored') ?? bitsAllocated)
  const highBit = float ? bitsAllocated - 1 : (dataset.number('HighBit') ?? bitsStored - 1)
  if (bitsStored < 1 || highBit >= bitsAllocated || highBit < bitsStored - 1) {
    broken(file, 'its bits stored do not fit its bits allocated')
  }
  return {
    rows,
    columns,
    frames,
    samples: colours,
    bitsAllocated,
    bitsStored,
    highBit,
    signed: float || dataset.number('PixelRepresentation') === 1,
    float,
    photometric,
    planar: colours === 3 && dataset.number('PlanarConfiguration') === 1,
  }
}
