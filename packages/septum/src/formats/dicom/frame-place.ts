import type { Vector3 } from '@septum/core'
import type { Dataset } from './dataset.js'
import { broken, unsupported } from './problem.js'
import { identity, type Rescale } from './rescale.js'
import type { Keyword } from './tags.js'

/** Where one frame lies in the patient and how its samples are to be understood. LPS millimetres. */
export interface FramePlace {
  /** Centre of the first sample. */
  readonly position?: Vector3
  /** Unit vectors along which the column and the row index grow. */
  readonly along?: { readonly x: Vector3; readonly y: Vector3 }
  /** Distance of rows, then of columns. */
  readonly spacingMm?: readonly [number, number]
  readonly thicknessMm?: number
  readonly rescale: Rescale
  /** Stored values are Hounsfield units, counts or such after the rescale: no display value. */
  readonly physical: boolean
  readonly window?: { readonly center: number; readonly width: number }
  /** What may tell several frames of one position apart, by name. */
  readonly phases: Readonly<Record<string, string>>
}

/** Elements that separate repeated volumes, most telling first, and where multi-frame files keep them. */
const PHASES: readonly [name: string, keyword: Keyword][] = [
  ['temporal position', 'TemporalPositionIdentifier'],
  ['diffusion b-value', 'DiffusionBValue'],
  ['echo number', 'EchoNumbers'],
  ['echo time', 'EchoTime'],
  ['trigger time', 'TriggerTime'],
  ['acquisition', 'AcquisitionNumber'],
  ['image type', 'ImageType'],
]

/**
 * Reads position, orientation, spacing and rescale of every frame: from the functional groups of the frame, else
 * from the shared ones, else from the file itself (PS3.3 C.7.6.16).
 * @throws SeptumError `dicom-broken` for values that make no place; `dicom-unsupported` for look-up tables in the
 * place of a rescale.
 */
export function framePlaces(dataset: Dataset, frames: number): readonly FramePlace[] {
  const perFrame = dataset.items('PerFrameFunctionalGroupsSequence')
  const shared = dataset.item('SharedFunctionalGroupsSequence')
  if (perFrame.length > 0 && perFrame.length < frames) {
    broken(dataset.file, 'there are fewer functional groups than frames')
  }
  if (dataset.has('ModalityLUTSequence') && !dataset.has('RescaleSlope')) {
    unsupported(dataset.file, 'a look-up table of values', 'Convert it to rescale slope and intercept.')
  }
  return Array.from({ length: frames }, (_, frame) => {
    const within = (group: Keyword): Dataset => perFrame[frame]?.item(group) ?? shared?.item(group) ?? dataset
    return placeOf(dataset, within)
  })
}

function placeOf(dataset: Dataset, within: (group: Keyword) => Dataset): FramePlace {
  const { file } = dataset
  const position = numbers(within('PlanePositionSequence'), 'ImagePositionPatient', 3, file)
  const orientation = numbers(within('PlaneOrientationSequence'), 'ImageOrientationPatient', 6, file)
  const spacing = numbers(within('PixelMeasuresSequence'), 'PixelSpacing', 2, file)
  if (spacing && !spacing.every((mm) => mm > 0)) broken(file, 'its pixel spacing is not positive')
  const thickness = within('PixelMeasuresSequence').number('SliceThickness')
  const values = within('PixelValueTransformationSequence')
  const voi = within('FrameVOILUTSequence')
  const center = voi.number('WindowCenter')
  const width = voi.number('WindowWidth')
  const content = within('FrameContentSequence')
  const index = content.number('TemporalPositionIndex')
  const slope = values.number('RescaleSlope')
  const type = values.text('RescaleType')
  return {
    ...(position && { position: position as unknown as Vector3 }),
    ...(orientation && { along: axes(orientation, file) }),
    ...(spacing && { spacingMm: [spacing[0]!, spacing[1]!] as const }),
    ...(thickness && { thicknessMm: thickness }),
    rescale:
      slope === undefined || slope === 0
        ? identity
        : { slope, intercept: values.number('RescaleIntercept') ?? 0 },
    physical:
      slope !== undefined &&
      ((type !== undefined && type !== 'US') || /^(CT|PT|NM)$/.test(dataset.text('Modality') ?? '')),
    ...(center !== undefined && width !== undefined && { window: { center, width } }),
    phases: {
      ...(index !== undefined && { 'temporal position': String(index) }),
      ...Object.fromEntries(
        PHASES.flatMap(([name, keyword]) => {
          const value =
            dataset.element(keyword)?.vr === 'FD' ? dataset.number(keyword) : dataset.text(keyword)
          return value === undefined || value === '' ? [] : [[name, String(value)]]
        }),
      ),
    },
  }
}

function numbers(dataset: Dataset, keyword: Keyword, count: number, file: string) {
  const values = dataset.numbers(keyword)
  if (values && values.length !== count) broken(file, 'its position, orientation or spacing is incomplete')
  return values
}

/** Direction cosines are written with few decimals; they are made unit vectors again. */
function axes(orientation: readonly number[], file: string) {
  const unit = (v: readonly number[]): Vector3 => {
    const length = Math.hypot(...v)
    if (Math.abs(length - 1) > 1e-2) broken(file, 'its orientation is made of no unit vectors')
    return [v[0]! / length, v[1]! / length, v[2]! / length]
  }
  const x = unit(orientation.slice(0, 3))
  const y = unit(orientation.slice(3, 6))
  if (Math.abs(x[0] * y[0] + x[1] * y[1] + x[2] * y[2]) > 1e-2) {
    broken(file, 'rows and columns of its orientation are not perpendicular')
  }
  return { x, y }
}
