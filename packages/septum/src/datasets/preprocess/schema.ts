import { z } from 'zod'

const finite = z.number().refine(Number.isFinite)
const percent = z.number().min(0).max(100)
const region = z.enum(['whole', 'nonZero'])
const window = z
  .object({ low: finite, high: finite })
  .refine(({ low, high }) => low < high, { error: 'low must be below high' })

/** What is done to the values of a channel. All of it is plain data, kept beside a trained model. */
export const intensitySchema = z.discriminatedUnion('kind', [
  /** Divided by the largest value that the file format can hold: photographs to [0, 1]. */
  z.object({ kind: z.literal('scale') }),
  /** Left as stored. */
  z.object({ kind: z.literal('none') }),
  /** Cut to windows, each of which becomes [0, 1] and a channel of its own. */
  z.object({ kind: z.literal('windows'), windows: z.array(window).min(1) }),
  /** (x - mean) / standard deviation of the image; `nonZero`: of what is not 0, which stays 0. */
  z.object({ kind: z.literal('zScore'), over: region.default('whole') }),
  /** Cut to percentiles of the image, then to [0, 1]. */
  z.object({
    kind: z.literal('percentiles'),
    low: percent.default(0.5),
    high: percent.default(99.5),
    over: region.default('whole'),
  }),
  /** Smallest to 0, largest to 1. */
  z.object({ kind: z.literal('minMax') }),
  /**
   * Cut to [low, high] where given, then (x - mean) / std with numbers of the data set: nnU-Net's CT, or RGB in [0, 1]
   * with the mean and standard deviation of ImageNet (`unit`: divided by the format's largest value first).
   */
  z.object({
    kind: z.literal('meanStd'),
    mean: finite,
    std: z.number().positive(),
    low: finite.nullable().default(null),
    high: finite.nullable().default(null),
    unit: z.boolean().default(false),
  }),
])
export type Intensity = z.infer<typeof intensitySchema>

export const preprocessingSchema = z.strictObject({
  /** One entry for all channels, or one for each. */
  channels: z.array(intensitySchema).min(1),
  /** Distance of samples that images are resampled to, in array order ([z,] y, x); null leaves them. */
  spacingMm: z.array(z.number().positive()).min(2).max(3).nullable().default(null),
  interpolation: z.enum(['linear', 'cubic', 'nearest']).default('linear'),
})
export type Preprocessing = z.infer<typeof preprocessingSchema>

/** Window of a level and a width, as radiologists name them. */
const levelWidth = (level: number, width: number) => ({ low: level - width / 2, high: level + width / 2 })

/** Windows in Hounsfield units. */
export const ctWindows = {
  /** Abdomen as TransUNet's and LoMix's Synapse protocol cuts it. */
  synapse: { low: -125, high: 275 },
  softTissue: levelWidth(40, 400),
  lung: levelWidth(-600, 1500),
  mediastinum: levelWidth(50, 350),
  bone: levelWidth(300, 1500),
  brain: levelWidth(40, 80),
  liver: levelWidth(60, 160),
} as const

/** Mean and standard deviation of ImageNet's red, green and blue in [0, 1]. */
export const imageNet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const

export const modalities = [
  'photograph',
  'CT',
  'MR',
  'ultrasound',
  'X-ray',
  'OCT',
  'PET',
  'microscopy',
] as const
export type Modality = (typeof modalities)[number]

/**
 * What is usual for a modality: photographs, ultrasound, X-ray, OCT and microscopy to [0, 1] of their format; CT cut to
 * the Synapse window; MR as z-scores of what is not background; PET from its smallest to its largest value.
 */
export function preprocessingFor(modality: Modality): Preprocessing {
  const of = (channel: unknown) => preprocessingSchema.parse({ channels: [channel] })
  switch (modality) {
    case 'photograph':
    case 'ultrasound':
    case 'X-ray':
    case 'OCT':
    case 'microscopy':
      return of({ kind: 'scale' })
    case 'CT':
      return of({ kind: 'windows', windows: [ctWindows.synapse] })
    case 'MR':
      return of({ kind: 'zScore', over: 'nonZero' })
    case 'PET':
      return of({ kind: 'minMax' })
  }
}

/** RGB in [0, 1] with ImageNet's mean and standard deviation, as pretrained encoders expect it. */
export const imageNetPreprocessing = (): Preprocessing =>
  preprocessingSchema.parse({
    channels: imageNet.mean.map((mean, i) => ({ kind: 'meanStd', mean, std: imageNet.std[i], unit: true })),
  })
