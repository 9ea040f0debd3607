type Options = Readonly<Record<string, unknown>>

interface Phased {
  readonly steps: number
  readonly batchSize: number | null
}

const isPhased = (value: unknown): value is Phased =>
  typeof value === 'object' && value !== null && 'steps' in value && 'batchSize' in value

/** Cases of a batch that no planner has planned. */
const UNPLANNED = 12

/**
 * Options whose steps are so many passes over the training cases, counted in batches. Phases of a method share the passes
 * as their own steps share the images.
 * @param plannedBatch cases of a batch where an option leaves them to the planner
 */
export function withEpochs(
  options: Options,
  epochs: number | null,
  cases: number,
  plannedBatch = UNPLANNED,
): Options {
  if (epochs === null) return options
  const batch = ({ batchSize }: Phased) => batchSize ?? plannedBatch
  const count = (phase: Phased, share: number): Phased => ({
    ...phase,
    steps: Math.max(1, Math.ceil((epochs * share * cases) / batch(phase))),
  })
  if (isPhased(options)) return { ...count(options, 1) }
  const phases = Object.entries(options).filter((entry): entry is [string, Phased] => isPhased(entry[1]))
  const images = (phase: Phased) => phase.steps * batch(phase)
  const all = phases.reduce((sum, [, phase]) => sum + images(phase), 0)
  const counted = phases.map(([name, phase]) => [name, count(phase, images(phase) / all)] as const)
  return { ...options, ...Object.fromEntries(counted) }
}
