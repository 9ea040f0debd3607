/** What the server tells of a training; see `/openapi.json`. */
export interface Run {
  readonly id: string
  readonly name: string
  readonly method: string | null
  readonly dataset: string | null
  readonly state: 'running' | 'finished' | 'interrupted' | 'failed' | 'stalled'
  readonly reason?: string
  readonly activity?: 'training' | 'validating'
  readonly started?: string
  readonly updated: string | null
  readonly phase: string | null
  readonly phaseStep: number
  readonly step: number
  readonly steps: number | null
  readonly phases: readonly { readonly name: string; readonly steps: number; readonly batchSize: number }[]
  readonly secondsLeft: number | null
  readonly best: readonly { readonly phase: string; readonly step: number; readonly score: number }[]
}

export interface RunDetail extends Run {
  readonly parameters: number | null
  readonly cases: { readonly train: number; readonly val: number } | null
  /** Values by path, e.g. `options.lr`. */
  readonly config: Readonly<Record<string, unknown>>
}

interface Line {
  readonly step: number
  readonly phase: string
  readonly phaseStep: number
}

export interface StepEvent extends Line {
  readonly losses: Readonly<Record<string, number | null>>
  readonly learningRate: number | null
  readonly samplesPerSecond: number | null
}

export interface ValidationEvent extends Line {
  readonly score: number | null
  readonly best: boolean
  readonly metrics: Readonly<Record<string, number | null>>
}

/** A sheet of tiles: a column for each case; rows are the image, then reference and prediction of each class. */
export interface PicturesEvent extends Line {
  readonly href: string
  readonly cases: readonly string[]
  readonly classes: readonly string[]
  /** [height, width] */
  readonly tile: readonly number[]
}

export type RunEvent =
  | { readonly event: 'run'; readonly data: Run }
  | { readonly event: 'step'; readonly data: StepEvent }
  | { readonly event: 'validation'; readonly data: ValidationEvent }
  | { readonly event: 'pictures'; readonly data: PicturesEvent }
  | { readonly event: 'reset' | 'caughtup'; readonly data: Readonly<Record<string, never>> }

/** Why there is nothing to show, in words for a person. */
export class Unavailable extends Error {}

async function get(page: URL, path: string): Promise<unknown> {
  const response = await fetch(new URL(path, page)).catch(() => undefined)
  if (!response) throw new Unavailable('The server does not answer. Trying again…')
  if (response.status === 401) {
    throw new Unavailable('The server asks for its token: open the address that septum serve printed.')
  }
  if (!response.ok || !/json/.test(response.headers.get('content-type') ?? '')) {
    throw new Unavailable('There are no trainings here. Start the server with septum serve --runs FOLDER.')
  }
  return response.json()
}

/** @throws Unavailable */
export async function listRuns(page: URL): Promise<{ runs: readonly Run[]; left: number }> {
  return (await get(page, 'v1/runs')) as { runs: readonly Run[]; left: number }
}

/** @throws Unavailable */
export async function runDetail(page: URL, id: string): Promise<RunDetail> {
  return (await get(page, `v1/runs/${encodeURIComponent(id)}`)) as RunDetail
}
