import type { PicturesEvent, Run, RunEvent } from './api.js'
import { type Points, Series } from './series.js'

/** Sheets that a person can go back to; of more, every other is forgotten. */
const MOST_SHEETS = 400

/** What was received of one run: its curves by phase and name, its sheets. */
export class RunData {
  run: Run | undefined
  connected = false
  /** Whether all that was logged before has come. */
  caughtUp = false
  readonly phases: string[] = []
  sheets: PicturesEvent[] = []
  #losses = new Map<string, Series>()
  #metrics = new Map<string, Series>()
  #best = new Map<string, { x: number; y: number }>()

  take({ event, data }: RunEvent): void {
    if (event === 'run') this.run = data
    else if (event === 'reset') this.#clear()
    else if (event === 'caughtup') this.caughtUp = true
    else {
      if (!this.phases.includes(data.phase)) this.phases.push(data.phase)
      if (event === 'step') {
        for (const [name, value] of Object.entries(data.losses))
          put(this.#losses, data.phase, name, data.step, value)
        put(this.#losses, data.phase, LEARNING_RATE, data.step, data.learningRate)
        put(this.#losses, data.phase, SPEED, data.step, data.samplesPerSecond)
      } else if (event === 'validation') {
        put(this.#metrics, data.phase, SCORE, data.step, data.score)
        for (const [name, value] of Object.entries(data.metrics))
          put(this.#metrics, data.phase, name, data.step, value)
        const best = this.#best.get(data.phase)
        if (data.score !== null && (!best || data.score > best.y))
          this.#best.set(data.phase, { x: data.step, y: data.score })
      } else if (event === 'pictures') this.#sheet(data)
    }
  }

  /** Names of losses of a phase, `total` first. */
  losses(phase: string): string[] {
    const own = namesOf(this.#losses, phase).filter((name) => name !== LEARNING_RATE && name !== SPEED)
    return own.sort((a, b) => Number(b === 'total') - Number(a === 'total'))
  }

  /** Names of metrics of a phase, the score that chooses the best weights first. */
  metrics(phase: string): string[] {
    return namesOf(this.#metrics, phase)
  }

  loss(phase: string, name: string): Points {
    return this.#losses.get(keyOf(phase, name)) ?? none
  }

  metric(phase: string, name: string): Points {
    return this.#metrics.get(keyOf(phase, name)) ?? none
  }

  /** Step of the best validation of a phase. */
  best(phase: string): number | undefined {
    return this.#best.get(phase)?.x
  }

  #sheet(sheet: PicturesEvent): void {
    const at = this.sheets.findIndex(({ step, phase }) => step === sheet.step && phase === sheet.phase)
    if (at >= 0) this.sheets[at] = sheet
    else this.sheets.push(sheet)
    if (this.sheets.length > MOST_SHEETS)
      this.sheets = this.sheets.filter((_, i) => i % 2 === 0 || i === this.sheets.length - 1)
  }

  #clear(): void {
    this.phases.length = 0
    this.sheets = []
    for (const map of [this.#losses, this.#metrics, this.#best]) map.clear()
  }
}

export const SCORE = 'score'
export const LEARNING_RATE = '\0learning rate'
export const SPEED = '\0samples per second'

const none: Points = { x: [], y: [] }
const keyOf = (phase: string, name: string): string => `${phase}\n${name}`

function namesOf(map: ReadonlyMap<string, Series>, phase: string): string[] {
  return [...map.keys()]
    .filter((key) => key.startsWith(`${phase}\n`))
    .map((key) => key.slice(phase.length + 1))
}

function put(map: Map<string, Series>, phase: string, name: string, x: number, y: number | null): void {
  if (y === null) return
  const key = keyOf(phase, name)
  const series = map.get(key) ?? new Series()
  map.set(key, series)
  series.add(x, y)
}
