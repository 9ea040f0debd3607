import { z } from 'zod'

const whole = z.int().min(0)

export const errorSchema = z.strictObject({
  error: z.strictObject({ code: z.string(), message: z.string(), hint: z.string() }),
})

export const jobStates = ['waiting', 'running', 'done', 'failed', 'cancelled'] as const

const classSchema = z.strictObject({
  name: z.string(),
  label: z.int().min(1),
  samples: whole.describe('marked pixels or voxels'),
  share: z.number().min(0).max(1),
  areaMm2: z.number().optional(),
  volumeMm3: z.number().optional(),
  components: whole,
  largestComponent: whole,
  meanProbability: z.number().nullable(),
  meanUncertainty: z.number().nullable(),
  agreement: z.strictObject({ dice: z.number(), iou: z.number() }).optional(),
  samplesRange: z.array(whole).length(2).optional(),
})

export const jobSchema = z.strictObject({
  id: z.uuid(),
  model: z.string(),
  state: z.enum(jobStates),
  progress: z.strictObject({ done: whole, total: whole }).describe('windows of the image'),
  created: z.iso.datetime(),
  error: errorSchema.shape.error.optional(),
  result: z
    .strictObject({
      size: z.array(z.int().min(1)).min(2).max(3).describe('[H, W] or [D, H, W]'),
      spacingMm: z.array(z.number()).optional(),
      windows: z.int().min(1),
      hypotheses: whole.describe('0 for methods of one mask'),
      seconds: z.number(),
      classes: z.array(classSchema),
      files: z.array(
        z.strictObject({
          kind: z.enum(['mask', 'sample', 'probability', 'uncertainty']),
          href: z.string(),
          type: z.string(),
        }),
      ),
      notice: z.string(),
    })
    .optional(),
})
export type JobView = z.infer<typeof jobSchema>

export const modelSchema = z.strictObject({
  id: z.string(),
  method: z.string(),
  title: z.string(),
  dimensions: z.union([z.literal(2), z.literal(3)]),
  channels: z.int().min(1),
  trainedSize: z.array(z.int().min(1)),
  samples: z.int().min(1).describe('drawn by default; 1 for methods of one mask'),
  classes: z.array(z.strictObject({ name: z.string(), label: z.int().min(1), colour: z.string() })),
  dataset: z.string(),
  licence: z.string().nullable(),
  notice: z.string(),
  files: z.string().describe('folder of the bundle, to run it in a browser'),
})
export const modelsSchema = z.strictObject({ models: z.array(modelSchema) })

export const imagesSchema = z.strictObject({
  images: z.array(
    z.strictObject({ reference: z.string().describe('path below the data folder'), bytes: whole }),
  ),
})

export const healthSchema = z.strictObject({
  status: z.enum(['ok', 'starting', 'stopping']),
  waiting: whole,
  running: whole,
  workerRestarts: whole,
})

/** Numbers and switches as they stand in an address. */
const number = (schema: z.ZodNumber | z.ZodInt) => z.coerce.number().pipe(schema)
const flag = z.enum(['true', 'false']).transform((text) => text === 'true')

/** Query of `POST /v1/segment`. */
export const segmentQuerySchema = z.strictObject({
  model: z.string().optional().describe('id of GET /v1/models; default: the first'),
  samples: number(z.int().min(1).max(256)).optional().describe('masks that a sampling model draws'),
  seed: number(z.int().min(0)).optional(),
  overlap: number(z.number().min(0).max(0.9)).optional().describe('of sliding windows, 0.5 by default'),
  flips: flag.optional().describe('average over mirror images'),
  maps: flag.optional().describe('probability and uncertainty; default: for pictures'),
  format: z.enum(['png', 'nifti', 'seg']).optional().describe('default: what fits the image'),
  keepLargest: flag.optional().describe('keep the largest component of each class only'),
  wait: number(z.number().min(0))
    .optional()
    .describe('seconds to wait for the result; 0: answer 202 at once'),
  result: z.enum(['json', 'mask']).optional().describe('what a request that waits is answered with'),
})
export type SegmentQuery = z.infer<typeof segmentQuerySchema>

/** Body of `POST /v1/segment` that names an image of the server. */
export const referenceSchema = z.strictObject({ reference: z.string().min(1).max(1024) })
