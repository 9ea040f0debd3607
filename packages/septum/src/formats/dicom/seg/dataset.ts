import { type Code, defaultCodes } from './codes.js'
import { toDicomLab } from './colour.js'
import { FRACTION_STEPS, filledFrames, packFrames, type SegFrame, type SegMasks } from './frames.js'
import { identifyingTags, type SourceSeries } from './source-series.js'

/** What a segment of a segmentation is. */
export interface SegmentInfo {
  /** Up to 64 characters. */
  readonly label: string
  /** SNOMED CT by default, after the label; see `defaultCodes`. */
  readonly category?: Code
  readonly type?: Code
  /** Default `AUTOMATIC`. */
  readonly algorithm?: 'AUTOMATIC' | 'SEMIAUTOMATIC' | 'MANUAL'
  /** Names the method; needed unless `MANUAL`. Default `Septum`. */
  readonly algorithmName?: string
  /** sRGB, 0 to 255. */
  readonly colour?: readonly [number, number, number]
}

/** How a segmentation is written. */
export interface SegDescription {
  readonly segments: readonly SegmentInfo[]
  /** Default `binary`; `fractional` keeps probabilities in 255 steps. */
  readonly form?: 'binary' | 'fractional'
  /** Default `Segmentation`. */
  readonly seriesDescription?: string
  /** Default: the source's plus 1000. */
  readonly seriesNumber?: number
  /** `omit` leaves name, dates and numbers of patient and study empty; UIDs tie it to its source all the same. */
  readonly identity?: 'copy' | 'omit'
  /** Date and time that the file carries; default now. */
  readonly created?: Date
  /** Makes the UIDs of the new series and instance; default random ones below 2.25. */
  readonly newUid?: () => string
}

export const SEGMENTATION_CLASS = '1.2.840.10008.5.1.4.1.1.66.4'
const DERIVATION = { value: '113076', scheme: 'DCM', meaning: 'Segmentation' }
const PURPOSE = { value: '121322', scheme: 'DCM', meaning: 'Source image for image processing operation' }
/** As `AT` values: group and element. */
const POINTERS = {
  segment: 0x0062000b,
  segmentGroup: 0x0062000a,
  position: 0x00200032,
  positionGroup: 0x00209113,
}

/** A UID of the 2.25 branch: a UUID as a decimal number (PS3.5 B.2). */
export function randomUid(): string {
  // Not `randomUUID`, which browsers keep from pages without TLS.
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  // A UUID of version 4 (RFC 9562, 5.4).
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return `2.25.${bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)}`
}

/**
 * The data set of a segmentation (PS3.3 A.51) by keyword.
 */
export function segDataset(source: SourceSeries, masks: SegMasks, description: SegDescription) {
  const {
    segments,
    form = 'binary',
    identity = 'copy',
    created = new Date(),
    newUid = randomUid,
  } = description
  const stamp = created.toISOString().replaceAll(/[-:TZ]/g, '')
  const [date, time] = [stamp.slice(0, 8), stamp.slice(8, 14)]
  const binary = form === 'binary'
  const { geometry, slices } = source
  const organization = newUid()
  const frames = filledFrames(masks)
  return {
    SpecificCharacterSet: 'ISO_IR 192',
    ...copied(source, identity),
    ImageType: ['DERIVED', 'PRIMARY'],
    InstanceCreationDate: date,
    InstanceCreationTime: time,
    SOPClassUID: SEGMENTATION_CLASS,
    SOPInstanceUID: newUid(),
    SeriesDate: date,
    SeriesTime: time,
    ContentDate: date,
    ContentTime: time,
    Modality: 'SEG',
    Manufacturer: 'Septum',
    ManufacturerModelName: 'Septum',
    DeviceSerialNumber: '0',
    SoftwareVersions: '0.1',
    SeriesDescription: description.seriesDescription ?? 'Segmentation',
    SeriesInstanceUID: newUid(),
    SeriesNumber: String(description.seriesNumber ?? source.seriesNumber + 1000),
    InstanceNumber: '1',
    ReferencedSeriesSequence: [
      {
        SeriesInstanceUID: source.seriesUid,
        ReferencedInstanceSequence: [
          ...new Map(slices.map((slice) => [slice.sopInstance, slice])).values(),
        ].map(({ sopClass, sopInstance }) => ({
          ReferencedSOPClassUID: sopClass,
          ReferencedSOPInstanceUID: sopInstance,
        })),
      },
    ],
    ContentLabel: 'SEGMENTATION',
    ContentDescription: '',
    ContentCreatorName: '',
    DimensionOrganizationType: '3D',
    DimensionOrganizationSequence: [{ DimensionOrganizationUID: organization }],
    DimensionIndexSequence: [
      {
        DimensionOrganizationUID: organization,
        DimensionIndexPointer: POINTERS.segment,
        FunctionalGroupPointer: POINTERS.segmentGroup,
        DimensionDescriptionLabel: 'Segment',
      },
      {
        DimensionOrganizationUID: organization,
        DimensionIndexPointer: POINTERS.position,
        FunctionalGroupPointer: POINTERS.positionGroup,
        DimensionDescriptionLabel: 'Slice',
      },
    ],
    SamplesPerPixel: 1,
    PhotometricInterpretation: 'MONOCHROME2',
    NumberOfFrames: String(frames.length),
    Rows: source.rows,
    Columns: source.columns,
    BitsAllocated: binary ? 1 : 8,
    BitsStored: binary ? 1 : 8,
    HighBit: binary ? 0 : 7,
    PixelRepresentation: 0,
    LossyImageCompression: '00',
    SegmentationType: binary ? 'BINARY' : 'FRACTIONAL',
    ...(!binary && { SegmentationFractionalType: 'PROBABILITY', MaximumFractionalValue: FRACTION_STEPS }),
    SegmentSequence: segments.map(segmentItem),
    SharedFunctionalGroupsSequence: [
      {
        PlaneOrientationSequence: [
          {
            ImageOrientationPatient: [...geometry.directions.at(-1)!, ...geometry.directions.at(-2)!].map(
              decimal,
            ),
          },
        ],
        PixelMeasuresSequence: [
          {
            PixelSpacing: geometry.spacingMm.slice(-2).map(decimal),
            SliceThickness: decimal(source.thicknessMm),
            ...(geometry.spacingMm.length === 3 && {
              SpacingBetweenSlices: decimal(geometry.spacingMm[0]!),
            }),
          },
        ],
      },
    ],
    PerFrameFunctionalGroupsSequence: frames.map((frame) => frameItem(frame, source)),
    PixelData: packFrames(masks, frames, binary).buffer,
    // Single bits may be bytes or words; bytes need no swapping.
    _vrMap: { PixelData: 'OB' },
  }
}

function copied(source: SourceSeries, identity: 'copy' | 'omit') {
  return Object.fromEntries(
    Object.entries(source.copied).map(([keyword, value]) => [
      keyword,
      identity === 'omit' && identifyingTags.has(keyword as keyof SourceSeries['copied']) ? '' : value,
    ]),
  )
}

function segmentItem(segment: SegmentInfo, index: number) {
  const { label, algorithm = 'AUTOMATIC', algorithmName = 'Septum', colour } = segment
  const codes = defaultCodes(label)
  return {
    SegmentNumber: index + 1,
    SegmentLabel: label,
    SegmentAlgorithmType: algorithm,
    ...(algorithm !== 'MANUAL' && { SegmentAlgorithmName: algorithmName }),
    SegmentedPropertyCategoryCodeSequence: [codeItem(segment.category ?? codes.category)],
    SegmentedPropertyTypeCodeSequence: [codeItem(segment.type ?? codes.type)],
    ...(colour && { RecommendedDisplayCIELabValue: [...toDicomLab(colour)] }),
  }
}

function frameItem({ segment, slice }: SegFrame, { slices }: SourceSeries) {
  const { sopClass, sopInstance, frame, position } = slices[slice]!
  return {
    FrameContentSequence: [{ DimensionIndexValues: [segment, slice + 1] }],
    PlanePositionSequence: [{ ImagePositionPatient: position.map(decimal) }],
    SegmentIdentificationSequence: [{ ReferencedSegmentNumber: segment }],
    DerivationImageSequence: [
      {
        DerivationCodeSequence: [codeItem(DERIVATION)],
        SourceImageSequence: [
          {
            ReferencedSOPClassUID: sopClass,
            ReferencedSOPInstanceUID: sopInstance,
            ...(frame !== undefined && { ReferencedFrameNumber: String(frame) }),
            PurposeOfReferenceCodeSequence: [codeItem(PURPOSE)],
          },
        ],
      },
    ],
  }
}

function codeItem({ value, scheme, meaning }: Code) {
  return { CodeValue: value, CodingSchemeDesignator: scheme, CodeMeaning: meaning }
}

/** A number in at most 16 characters, as the representation DS wants it (PS3.5, table 6.2-1). */
export function decimal(value: number): string {
  const plain = String(value)
  if (plain.length <= 16) return plain
  for (let digits = 15; ; digits--) {
    const shorter = String(Number(value.toPrecision(digits)))
    if (shorter.length <= 16) return shorter
  }
}
