import { SeptumError } from '@septum/core'
import type { ClassStatistics } from 'septum/browser'
import { Cancelled } from '../engine/client.js'

/** An image of a server's data folder. */
export interface ServerImage {
  /** Path below the folder, as requests name it. */
  readonly reference: string
  readonly bytes: number
}

/** What of a job's description the page reads (`GET /openapi.json`, `Job`). */
export interface ServerJob {
  readonly id: string
  readonly state: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled'
  readonly progress: { readonly done: number; readonly total: number }
  readonly error?: ServerError
  readonly result?: {
    readonly size: readonly number[]
    readonly seconds: number
    readonly classes: readonly ClassStatistics[]
    readonly files: readonly { readonly kind: string; readonly href: string }[]
  }
}

interface ServerError {
  readonly code: string
  readonly message: string
  readonly hint: string
}

export interface ServerQuestion {
  readonly model: string
  /** The image, or the name of one that the server has. */
  readonly image: Blob | { readonly reference: string }
  readonly samples: number
  readonly seed: number
  /** Probability of every class. */
  readonly maps: boolean
}

/** What a job is doing, for people. */
export type JobProgress =
  | { readonly state: 'sending' | 'waiting' }
  | { readonly state: 'running'; readonly done: number; readonly total: number }

export interface ServerAnswer {
  readonly job: ServerJob & Required<Pick<ServerJob, 'result'>>
  /** Files of one kind, unpacked, in the order of the job. */
  files(kind: 'mask' | 'sample' | 'probability'): Promise<File[]>
}

/** The interface of `septum serve` as the page uses it. */
export class SegmentServer {
  /** @param api address of `v1/`. */
  constructor(private readonly api: URL) {}

  /** Where images are sent, for people. */
  get host(): string {
    return this.api.host
  }

  /** Whether the server is the computer in front of the person. */
  get local(): boolean {
    return /^(localhost|127\.|\[::1\])/.test(this.api.hostname)
  }

  /** @returns none where the server has no data folder. */
  async images(): Promise<readonly ServerImage[]> {
    const response = await fetch(new URL('images', this.api)).catch(() => undefined)
    if (!response?.ok) return []
    const { images }: { images: readonly ServerImage[] } = await response.json()
    return images
  }

  /** An image of the server's data folder. @throws SeptumError `viewer-server` and those of the server. */
  async image(reference: string): Promise<File> {
    const path = reference.split('/').map(encodeURIComponent).join('/')
    const response = await this.fetch(new URL(`images/${path}`, this.api))
    return new File([await response.blob()], reference.split('/').at(-1)!)
  }

  /**
   * Segments on the server and waits for the result, which is removed there once it was fetched by `done`.
   * @throws SeptumError `viewer-server` and those of the server; Cancelled when the signal aborts, which cancels the job.
   */
  async segment<Result>(
    { model, image, samples, seed, maps }: ServerQuestion,
    onProgress: (progress: JobProgress) => void,
    signal: AbortSignal,
    done: (answer: ServerAnswer) => Promise<Result>,
  ): Promise<Result> {
    const query = new URLSearchParams({ model, format: 'nifti', wait: '0', maps: String(maps) })
    query.set('seed', String(seed))
    query.set('samples', String(samples))
    onProgress({ state: 'sending' })
    const upload = image instanceof Blob
    const response = await this.fetch(new URL(`segment?${query}`, this.api), {
      method: 'POST',
      headers: { 'Content-Type': upload ? 'application/octet-stream' : 'application/json' },
      body: upload ? image : JSON.stringify(image),
      signal,
    })
    const { id }: ServerJob = await response.json()
    const place = new URL(`jobs/${id}`, this.api)
    try {
      const job = await this.watch(place, onProgress, signal)
      const files = async (kind: string) => {
        const wanted = job.result.files.filter((file) => file.kind === kind)
        return Promise.all(
          wanted.map(async ({ href }) => {
            const sent = await this.fetch(new URL(href, this.api), { signal })
            return new File([await sent.blob()], decodeURIComponent(href.split('/').at(-1)!))
          }),
        )
      }
      return await done({ job, files })
    } finally {
      // Cancels a job under way, and takes the result of a finished one off the server.
      void fetch(place, { method: 'DELETE', keepalive: true }).catch(() => {})
    }
  }

  /** Follows a job by its events until it is over. */
  private watch(
    place: URL,
    onProgress: (progress: JobProgress) => void,
    signal: AbortSignal,
  ): Promise<ServerAnswer['job']> {
    return new Promise((resolve, reject) => {
      const events = new EventSource(new URL(`${place.pathname}/events`, place))
      const end = (work: () => void) => {
        events.close()
        signal.removeEventListener('abort', abort)
        work()
      }
      const abort = () => end(() => reject(new Cancelled('cancelled')))
      signal.addEventListener('abort', abort)
      if (signal.aborted) return abort()
      events.addEventListener('job', ({ data }: MessageEvent<string>) => {
        const job: ServerJob = JSON.parse(data)
        const { state, progress, result, error } = job
        if (state === 'waiting') onProgress({ state })
        else if (state === 'running') onProgress({ state, ...progress })
        else if (state === 'done' && result) end(() => resolve({ ...job, result }))
        else end(() => reject(error ? errorOf(error) : new Cancelled('cancelled')))
      })
      events.onerror = () => {
        // While it is still connecting the browser tries again by itself.
        if (events.readyState === EventSource.CLOSED) end(() => reject(unreachable()))
      }
    })
  }

  private async fetch(url: URL, options: RequestInit = {}): Promise<Response> {
    const response = await fetch(url, options).catch(() => {
      throw options.signal?.aborted ? new Cancelled('cancelled') : unreachable()
    })
    if (response.ok) return response
    const body: { error?: ServerError } = await response.json().catch(() => ({}))
    throw body.error ? errorOf(body.error) : unreachable()
  }
}

const errorOf = ({ code, message, hint }: ServerError): SeptumError => new SeptumError(code, message, hint)

const unreachable = (): SeptumError =>
  new SeptumError(
    'viewer-server',
    'The server of this page does not answer',
    'Check that it still runs, or segment in this browser.',
  )
