/**
 * Factor of the base learning rate for optimiser step `step` of `total`, counted from 0. Pure: resuming needs no
 * state.
 */
export type Schedule = (step: number, total: number) => number

export interface WarmUp {
  /** Share of all steps, from 0 to 1, over which the factor first grows linearly from 0. */
  readonly warmup?: number
}

/** Puts a warm-up before `decay`, whose progress runs from 0 towards 1 over the remaining steps. */
function schedule(decay: (progress: number) => number, warmup = 0): Schedule {
  if (!(warmup >= 0 && warmup <= 1))
    throw new RangeError(`the share of warm-up lies in [0, 1], got ${warmup}`)
  return (step, total) => {
    const before = Math.round(warmup * total)
    if (step < before) return step / before
    return decay(Math.min(1, (step - before) / Math.max(1, total - before)))
  }
}

export const constant = ({ warmup }: WarmUp = {}): Schedule => schedule(() => 1, warmup)

/** From 1 to `end` in a straight line. */
export const linear = ({ end = 0, warmup }: WarmUp & { readonly end?: number } = {}): Schedule =>
  schedule((progress) => 1 + (end - 1) * progress, warmup)

/** (1 - progress)^power, from 1 to 0 */
export const polynomial = ({ power = 0.9, warmup }: WarmUp & { readonly power?: number } = {}): Schedule =>
  schedule((progress) => (1 - progress) ** power, warmup)

/** Half a cosine from 1 to `end` (Loshchilov and Hutter 2017, without restarts). */
export const cosine = ({ end = 0, warmup }: WarmUp & { readonly end?: number } = {}): Schedule =>
  schedule((progress) => end + ((1 - end) * (1 + Math.cos(Math.PI * progress))) / 2, warmup)
