import { readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type FoundRun, flatten, readConfig } from './folder.js'
import { LogReader } from './log-reader.js'
import {
  type LogEvent,
  logLineSchema,
  type RunDetail,
  type RunView,
  type StatusFile,
  statusFileSchema,
} from './schemas.js'
import { standingOf } from './state.js'

/** @returns undefined for a line that is none of ours, e.g. one that a power cut left half. */
export function parseLine(text: string): LogEvent | undefined {
  try {
    return logLineSchema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

/** Reads on where it stopped: the head of a run costs what was added since it was last asked for. */
export class RunFollower {
  readonly #log: LogReader
  #last: LogEvent | undefined
  #best = new Map<string, { step: number; score: number }>()
  #phases = new Map<string, number>()
  #config: { readonly at: number; readonly values: Readonly<Record<string, unknown>> } | undefined
  #busy: Promise<RunDetail> | undefined

  constructor(readonly run: FoundRun) {
    this.#log = new LogReader(join(run.folder, 'log.jsonl'))
  }

  /** Several who ask at once share one reading. */
  detail(): Promise<RunDetail> {
    this.#busy ??= this.#read().finally(() => {
      this.#busy = undefined
    })
    return this.#busy
  }

  async view(): Promise<RunView> {
    const { parameters: _p, cases: _c, config: _v, ...view } = await this.detail()
    return view
  }

  async #read(): Promise<RunDetail> {
    const { id, name, folder } = this.run
    const [status, config, logTime, finished] = await Promise.all([
      readStatus(folder),
      this.#readConfig(),
      changedAt(join(folder, 'log.jsonl')),
      changedAt(join(folder, 'summary.json')),
    ])
    await this.#readLog()
    const standing = standingOf(
      status,
      { finished: finished !== null, changed: logTime },
      Date.now(),
      isAlive,
    )
    const method = config.method
    const last = this.#last
    const phaseSteps = status?.phases.find((each) => each.name === status.phase)?.steps
    const left = phaseSteps === undefined ? null : phaseSteps - (status?.phaseStep ?? 0)
    const perStep = status?.secondsPerStep ?? null
    const newest = Math.max(logTime ?? 0, status ? Date.parse(status.updated) || 0 : 0)
    return {
      id,
      name,
      method: typeof method === 'string' ? method : null,
      dataset: datasetOf(config),
      ...standing,
      ...(status && standing.state === 'running' && { activity: status.activity }),
      ...(status && { started: status.started }),
      updated: newest > 0 ? new Date(newest).toISOString() : null,
      phase: status?.phase ?? last?.phase ?? null,
      phaseStep: status?.phaseStep ?? last?.phaseStep ?? 0,
      step: Math.max(status?.step ?? 0, last?.step ?? 0),
      steps: status?.steps ?? null,
      phases: status?.phases ?? [],
      secondsLeft:
        standing.state === 'running' && left !== null && perStep !== null
          ? Math.max(0, left) * perStep
          : null,
      best: [...this.#best].map(([phase, each]) => ({ phase, ...each })),
      parameters: status?.parameters ?? null,
      cases: status?.cases ?? null,
      config: flatten(config),
    }
  }

  async #readLog(): Promise<void> {
    for (;;) {
      const { lines, restarted, more } = await this.#log.read()
      if (restarted) {
        this.#last = undefined
        this.#best.clear()
        this.#phases.clear()
      }
      for (const { text } of lines) this.#take(parseLine(text))
      if (!more || lines.length === 0) return
    }
  }

  #take(event: LogEvent | undefined): void {
    if (!event) return
    this.#last = event
    if (event.event !== 'validation' || event.score === null || this.#best.size > 50) return
    const { phase, step, score } = event
    const best = this.#best.get(phase)
    if (!best || score > best.score) this.#best.set(phase, { step, score })
  }

  async #readConfig(): Promise<Readonly<Record<string, unknown>>> {
    const at = (await changedAt(join(this.run.folder, 'config.yaml'))) ?? 0
    if (this.#config?.at !== at) this.#config = { at, values: await readConfig(this.run.folder) }
    return this.#config.values
  }
}

function datasetOf({ data }: Readonly<Record<string, unknown>>): string | null {
  const path = typeof data === 'object' && data !== null && 'path' in data ? data.path : null
  return typeof path === 'string' ? basename(path) : null
}

/** Bytes of a `status.json` that is one. */
const LONGEST_STATUS = 1 << 16

async function readStatus(folder: string): Promise<StatusFile | null> {
  try {
    const file = join(folder, 'status.json')
    if ((await stat(file)).size > LONGEST_STATUS) return null
    return statusFileSchema.safeParse(JSON.parse(await readFile(file, 'utf8'))).data ?? null
  } catch {
    return null
  }
}

const changedAt = (file: string): Promise<number | null> =>
  stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => null,
  )

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
