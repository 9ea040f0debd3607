import { type BundleManifest, SeptumError } from '@septum/core'
import { errorOf } from '../files/problem.js'
import type { Backend, BackendReport } from './backend.js'
import type {
  FromWorker,
  ModelSource,
  RunRequest,
  RunResult,
  StageMap,
  ToWorker,
  VolumeRequest,
  VolumeResult,
} from './messages.js'

export interface RunListener {
  onLoading(done: number, total: number): void
  onProgress(done: number, total: number): void
  onStage(stage: StageMap): void
}

/** Thrown by a run that was cancelled; nothing went wrong. */
export class Cancelled extends Error {}

/**
 * The model's side of the page: a worker that holds one open bundle. Stopping a run ends the worker, since a graph
 * that runs cannot be interrupted; the next run opens the model again.
 */
export class Engine {
  private worker: Worker | undefined
  private opened: { readonly source: ModelSource; readonly manifest: BundleManifest } | undefined
  /** Ends the question that is open. */
  private fail: ((error: Error) => void) | undefined
  private wish: Backend = 'wasm'
  /** Told whenever another backend computes, and why. */
  onBackend: (report: BackendReport) => void = () => {}

  /** @param script URL of the worker. @param runtime URL of the folder of ONNX Runtime's files. */
  constructor(
    private readonly script: URL,
    private readonly runtime: URL,
  ) {}

  /** @throws SeptumError of bundles, `viewer-worker`; Cancelled. */
  async open(source: ModelSource, listener: Pick<RunListener, 'onLoading'>): Promise<BundleManifest> {
    if (this.opened?.source === source) return this.opened.manifest
    this.opened = undefined
    const answer = await this.ask(
      { type: 'open', source, runtime: this.runtime.href },
      'opened',
      (message) => {
        if (message.type === 'loading') listener.onLoading(message.done, message.total)
      },
    )
    this.opened = { source, manifest: answer.manifest }
    if (this.wish === 'webgpu') await this.ask({ type: 'backend', wish: 'webgpu' }, 'backend', () => {})
    return answer.manifest
  }

  /**
   * What should compute from now on. WebGPU is tested with the open model, and with every model that is opened later;
   * `onBackend` is told what came of it. @throws Cancelled, SeptumError `viewer-worker`
   */
  async useBackend(wish: Backend): Promise<void> {
    this.wish = wish
    if (this.opened) await this.ask({ type: 'backend', wish }, 'backend', () => {})
  }

  /** Segments with the open model. @throws SeptumError, Cancelled as `open`. */
  async run(request: RunRequest, listener: Omit<RunListener, 'onLoading'>): Promise<RunResult> {
    const answer = await this.ask({ type: 'run', request }, 'result', (message) => {
      if (message.type === 'progress') listener.onProgress(message.done, message.total)
      else if (message.type === 'stage') listener.onStage(message.stage)
    })
    return answer.result
  }

  /** Segments a volume with the open model. @throws SeptumError, Cancelled as `open`. */
  async runVolume(
    request: VolumeRequest,
    { onProgress }: Pick<RunListener, 'onProgress'>,
  ): Promise<VolumeResult> {
    const answer = await this.ask({ type: 'volume', request }, 'volume-result', (message) => {
      if (message.type === 'progress') onProgress(message.done, message.total)
    })
    return answer.result
  }

  cancel(): void {
    this.stop(new Cancelled('cancelled'))
  }

  private stop(error: Error): void {
    this.worker?.terminate()
    this.worker = undefined
    this.opened = undefined
    this.fail?.(error)
    this.fail = undefined
  }

  private ask<Type extends FromWorker['type']>(
    question: ToWorker,
    wanted: Type,
    onMessage: (message: FromWorker) => void,
  ): Promise<Extract<FromWorker, { type: Type }>> {
    // A worker answers one question at a time; a newer one is what the person wants now.
    if (this.fail) this.cancel()
    this.worker ??= new Worker(this.script, { type: 'module' })
    const { worker } = this
    return new Promise((resolve, reject) => {
      this.fail = reject
      worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
        if (data.type === 'backend') this.onBackend(data.report)
        if (data.type !== wanted && data.type !== 'problem') {
          onMessage(data)
          return
        }
        this.fail = undefined
        if (data.type === 'problem') reject(errorOf(data.problem))
        else resolve(data as Extract<FromWorker, { type: Type }>)
      }
      worker.onerror = (event) => {
        event.preventDefault()
        const hint = 'Reload the page; close other tabs if memory is short.'
        this.stop(new SeptumError('viewer-worker', 'The model stopped working', hint))
      }
      worker.postMessage(question)
    })
  }
}
