/**
 * Factor of the base learning rate for optimiser step `step` of `total`, counted from 0. Pure: resuming needs no
 * state.
 */
export type Schedule = (step: number, total: number) => number

export interface WarmUp {
  /** Share of all steps, from 0 to 1, over which the factor first grows linearly from 0. */
  readonly warmup?: number
}

/** Puts a warm-up before `decay`, whose progress runs from 0 towards 1 over the remaining steps; `done` counts them. */
function schedule(decay: (progress: number, done: number) => number, warmup = 0): Schedule {
  if (!(warmup >= 0 && warmup <= 1))
    throw new RangeError(`the share of warm-up lies in [0, 1], got ${warmup}`)
  return (step, total) => {
    const before = Math.round(warmup * total)
    if (step < before) return step / before
    return decay(Math.min(1, (step - before) / Math.max(1, total - before)), step - before)
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

/** `factor` once more after each `every` steps: PyTorch's StepLR, where an epoch is a step. */
export const step = ({
  every,
  factor = 0.1,
  warmup,
}: WarmUp & { readonly every: number; readonly factor?: number }): Schedule => {
  if (!(Number.isInteger(every) && every > 0))
    throw new RangeError(`steps between decays are a whole number from 1, got ${every}`)
  return schedule((_, done) => factor ** Math.floor(done / every), warmup)
}

/** From 1 to `end` by an equal factor at each step: PyTorch's ExponentialLR with gamma = end^(1 / steps). */
export const exponential = ({ end = 0.01, warmup }: WarmUp & { readonly end?: number } = {}): Schedule => {
  if (!(end > 0)) throw new RangeError(`an exponential decay ends above 0, got ${end}`)
  return schedule((progress) => end ** progress, warmup)
}

/**
 * Up and down in straight lines that would meet 1 at the share `peak` and 0 one step before the first and after the
 * last: with a peak of 1/2 it is 1 - |2 (e + 1) / (E + 1) - 1| (F3Net, MSNet), symmetric and never 0. With `every` the
 * factor changes after so many steps only, e.g. by epoch.
 */
export const triangle = ({
  peak = 0.5,
  every = 1,
}: {
  readonly peak?: number
  readonly every?: number
} = {}): Schedule => {
  if (!(peak >= 0 && peak <= 1)) throw new RangeError(`the place of the peak lies in [0, 1], got ${peak}`)
  if (!(Number.isInteger(every) && every > 0))
    throw new RangeError(`steps between changes are a whole number from 1, got ${every}`)
  return (step, total) => {
    const whole = Math.max(1, Math.ceil(total / every))
    const at = Math.min(whole - 1, Math.floor(step / every))
    const up = peak === 0 ? 1 : (at + 1) / (peak * (whole + 1))
    const down = peak === 1 ? 1 : (whole - at) / ((1 - peak) * (whole + 1))
    return Math.min(1, up, down)
  }
}
