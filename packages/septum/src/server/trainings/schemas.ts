import { z } from 'zod'

const whole = z.int().min(0)
const finite = z.number().nullable()

/** `status.json` of a run. What later versions add is passed over. */
export const statusFileSchema = z.object({
  state: z.enum(['running', 'finished', 'interrupted', 'failed']),
  activity: z.enum(['training', 'validating']),
  pid: whole,
  host: z.string(),
  method: z.string(),
  cases: z.object({ train: whole, val: whole }),
  parameters: whole,
  started: z.string(),
  updated: z.string(),
  phase: z.string(),
  phaseStep: whole,
  step: whole,
  steps: whole,
  phases: z.array(z.object({ name: z.string(), steps: whole, batchSize: whole })),
  secondsPerStep: finite,
  error: z.object({ code: z.string(), message: z.string() }).optional(),
})
export type StatusFile = z.infer<typeof statusFileSchema>

/** Lines of `log.jsonl`; values that are no numbers stand there as null. */
export const stepLineSchema = z.object({
  event: z.literal('step'),
  step: whole,
  phase: z.string(),
  phaseStep: whole,
  losses: z.record(z.string(), finite),
  learningRate: finite,
  gradientNorm: finite.optional(),
  samplesPerSecond: finite,
})
export const validationLineSchema = z.object({
  event: z.literal('validation'),
  step: whole,
  phase: z.string(),
  phaseStep: whole,
  score: finite,
  best: z.boolean(),
  metrics: z.record(z.string(), finite),
})
export const picturesLineSchema = z.object({
  event: z.literal('pictures'),
  step: whole,
  phase: z.string(),
  phaseStep: whole,
  // A name that the log gives is a name that a client could ask for: it must lie in the folder of pictures.
  file: z.string().regex(/^pictures\/[\w-]+\.png$/),
  cases: z.array(z.string()).max(16),
  classes: z.array(z.string()).max(8),
  tile: z.array(z.int().min(1)).length(2),
})
export const logLineSchema = z.discriminatedUnion('event', [
  stepLineSchema,
  validationLineSchema,
  picturesLineSchema,
])
export type LogEvent = z.infer<typeof logLineSchema>

export const runStates = ['running', 'finished', 'interrupted', 'failed', 'stalled'] as const

const best = z.strictObject({ phase: z.string(), step: whole, score: z.number() })

/** A run as clients see it in a list. */
export const runSchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  method: z.string().nullable(),
  dataset: z.string().nullable(),
  state: z.enum(runStates),
  reason: z.string().optional().describe('why it failed or is taken for stalled'),
  activity: z.enum(['training', 'validating']).optional(),
  started: z.string().optional(),
  updated: z.string().nullable().describe('when its files last changed'),
  phase: z.string().nullable(),
  phaseStep: whole,
  step: whole.describe('steps finished in all phases'),
  steps: whole.nullable().describe('steps of all phases; null where the run does not say'),
  phases: z.array(z.strictObject({ name: z.string(), steps: whole, batchSize: whole })),
  secondsLeft: z.number().min(0).nullable().describe('until the end of the phase'),
  best: z.array(best).describe('best validation of each phase; a higher score is better'),
})
export type RunView = z.infer<typeof runSchema>
export const runsSchema = z.strictObject({
  runs: z.array(runSchema),
  left: whole.describe('runs that are not listed because there are too many'),
})

/** A run with everything but its curves. */
export const runDetailSchema = runSchema.extend({
  parameters: whole.nullable(),
  cases: z.strictObject({ train: whole, val: whole }).nullable(),
  config: z
    .record(z.string(), z.unknown())
    .describe('hyper-parameters by path; folders without what leads to them'),
})
export type RunDetail = z.infer<typeof runDetailSchema>

const stepSchema = stepLineSchema.omit({ event: true }).strict()
const validationSchema = validationLineSchema.omit({ event: true }).strict()
const picturesSchema = picturesLineSchema
  .omit({ event: true, file: true })
  .extend({
    href: z
      .string()
      .describe('PNG: a column for each case; image, then reference and prediction of each class'),
  })
  .strict()
/** Data of the server-sent events, by the name of the event. */
export const runEventSchemas = {
  run: runSchema,
  reset: z.strictObject({}),
  step: stepSchema,
  validation: validationSchema,
  pictures: picturesSchema,
  caughtup: z.strictObject({}),
} as const

export const eventsQuerySchema = z.strictObject({
  follow: z.enum(['true', 'false']).optional().describe('false: end when all was sent'),
  points: z.coerce
    .number()
    .pipe(z.int().min(100).max(20_000))
    .optional()
    .describe('steps that are sent of what is there already, about; the rest is thinned. Default: 2000'),
})
