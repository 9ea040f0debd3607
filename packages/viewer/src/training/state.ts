import type { Run, RunDetail } from './api.js'
import { RunData } from './run-data.js'

/** Curves of more than four are not told apart, and a browser opens six connections to a server. */
export const MOST_COMPARED = 4

export interface Choices {
  /** 0 to 0.98. */
  smoothing: number
  log: boolean
  /** Empty: the last one that a run has. */
  phase: string
  loss: string
  metric: string
  differences: boolean
}

/** What the page shows. Views are called at most once a frame. */
export class PageState {
  runs: readonly Run[] = []
  left = 0
  /** Why there is nothing to show. */
  problem: string | null = null
  loaded = false
  /** Ids of runs whose curves are shown, in the order of their colours; the first is told of in detail. */
  shown: readonly string[] = []
  readonly data = new Map<string, RunData>()
  readonly details = new Map<string, RunDetail>()
  readonly choices: Choices = {
    smoothing: 0.6,
    log: false,
    phase: '',
    loss: 'total',
    metric: 'score',
    differences: true,
  }
  readonly #views: (() => void)[] = []
  #asked = false

  onChange(view: () => void): void {
    this.#views.push(view)
  }

  changed(): void {
    if (this.#asked) return
    this.#asked = true
    // Not by animation frames: a page in a hidden tab is to know how far a run is, too.
    setTimeout(() => {
      this.#asked = false
      for (const view of this.#views) view()
    }, 60)
  }

  dataOf(id: string): RunData {
    const found = this.data.get(id) ?? new RunData()
    this.data.set(id, found)
    return found
  }

  /** The newest word on a run: of its events, else of the list. */
  run(id: string): Run | undefined {
    const listed = this.runs.find((run) => run.id === id)
    const told = this.data.get(id)?.run
    if (!listed || !told) return told ?? listed
    return Date.parse(told.updated ?? '') > Date.parse(listed.updated ?? '') ? told : listed
  }

  get first(): string | undefined {
    return this.shown[0]
  }

  get phases(): readonly string[] {
    return [...new Set(this.shown.flatMap((id) => this.dataOf(id).phases))]
  }

  /** The phase whose curves are shown. */
  get phase(): string {
    const { phases } = this
    const { phase } = this.choices
    if (phases.includes(phase)) return phase
    return (this.first && this.dataOf(this.first).phases.at(-1)) ?? phases.at(-1) ?? ''
  }
}

/** Colours told apart with every kind of colour blindness (Okabe and Ito), and dashes for those who see none. */
const strokes = [
  { colour: 'var(--run-1)', dash: '' },
  { colour: 'var(--run-2)', dash: '7 3' },
  { colour: 'var(--run-3)', dash: '2 2.5' },
  { colour: 'var(--run-4)', dash: '9 3 2 3' },
] as const

export const strokeOf = (index: number): (typeof strokes)[number] => strokes[index % strokes.length]!
