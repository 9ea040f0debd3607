import { Cancelled, type Engine } from '../engine/client.js'
import { type ModelEntry, modelFromFiles } from '../engine/models.js'
import type { ImageCatalogue } from '../files/examples.js'
import { type OpenPicture, readPictureFile, readRaterFiles } from '../files/picture.js'
import { problemOf } from '../files/problem.js'
import type { Store } from './state.js'

/** What a person can make the page do. Whatever fails is shown as sentences, never thrown. */
export class Actions {
  /** Counts runs and cancellations: a run that was cancelled while the model opened must not begin. */
  private turn = 0

  constructor(
    private readonly store: Store,
    private readonly engine: Engine,
    private readonly images: ImageCatalogue,
  ) {}

  openFile(file: File): Promise<void> {
    return this.guarded(async () =>
      this.show({ name: file.name, image: await readPictureFile(file), raters: [] }),
    )
  }

  openExample(id: string): Promise<void> {
    return this.guarded(async () => this.show(await this.images.open(id)))
  }

  openRaters(files: readonly File[]): Promise<void> {
    return this.guarded(async () => {
      const { picture } = this.store.session
      if (!picture || files.length === 0) return
      const raters = [...picture.raters, ...(await readRaterFiles(files, picture))]
      this.store.update({ picture: { ...picture, raters } })
      this.store.amend({ raters: true })
    })
  }

  /** Shows the model's facts and window before anything is run. */
  openModel(model: ModelEntry): Promise<void> {
    this.cancel()
    this.store.update({ model, manifest: null, result: null, growing: [], playing: false })
    this.store.restart({ classIndex: 0, leftOut: [], sample: 0, scale: 0, centre: null })
    return this.guarded(async () => {
      await this.ready(model)
      this.store.update({ busy: null })
    })
  }

  /** Opens the model where it is not open yet. */
  private async ready(model: ModelEntry): Promise<void> {
    this.store.update({ busy: { kind: 'loading', text: 'Loading the model', share: null } })
    const manifest = await this.engine.open(model.source, { onLoading: this.loading })
    if (this.store.session.manifest === manifest) return
    const samples = manifest.model.kind === 'next-scale' ? Math.min(8, manifest.model.sampling.samples) : 1
    this.store.update({ manifest, samples })
  }

  openModelFiles(files: readonly File[]): Promise<void> {
    return this.guarded(async () => {
      if (files.length === 0) return
      const model = modelFromFiles(files)
      const others = this.store.session.models.filter(({ id }) => id !== model.id)
      this.store.update({ models: [...others, model] })
      await this.openModel(model)
    })
  }

  run(): Promise<void> {
    return this.guarded(async () => {
      const { store } = this
      const { picture, model, samples, seed, busy } = store.session
      if (!picture || !model || busy) return
      store.update({ problem: null, result: null, growing: [], playing: false })
      store.amend({ leftOut: [], sample: 0, scale: 0 })
      const turn = ++this.turn
      await this.ready(model)
      if (turn !== this.turn) return
      store.update({ busy: { kind: 'running', text: 'Looking at the image', share: null } })
      const request = { image: picture.image, centre: store.settings.centre, samples, seed }
      const result = await this.engine.run(request, {
        onProgress: (done, total) =>
          store.update({ busy: { kind: 'running', text: progressText(store), share: done / total } }),
        onStage: (stage) => {
          store.update({ growing: [...store.session.growing, stage] })
          store.amend({ scale: stage.index })
        },
      })
      store.update({ result, growing: [], busy: null })
      store.restart({ view: 'consensus', scale: Math.max(0, scalesOf(result.stages) - 1) })
    })
  }

  /** Ends what is under way. */
  cancel(): void {
    if (!this.store.session.busy) return
    this.turn++
    this.engine.cancel()
    this.store.update({ busy: null, growing: [] })
  }

  private readonly loading = (done: number, total: number): void => {
    const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1)
    const text = `Loading the model: ${megabytes(done)} of ${megabytes(total)} MB`
    this.store.update({ busy: { kind: 'loading', text, share: done / total } })
  }

  private show(picture: OpenPicture): void {
    this.stopRun()
    this.store.update({ picture, result: null, growing: [], problem: null, playing: false })
    const { classIndex, opacity, view } = this.store.settings
    this.store.restart({
      ...{ classIndex, opacity, view, leftOut: [], sample: 0, scale: 0, grey: null, spacingMm: null },
      ...{ centre: null, ruler: null, threshold: 0.5, raters: false },
    })
  }

  private stopRun(): void {
    if (this.store.session.busy?.kind === 'running') this.cancel()
  }

  private async guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (error instanceof Cancelled) return
      this.store.update({ problem: problemOf(error), busy: null, growing: [] })
    }
  }
}

const scalesOf = (stages: readonly { readonly index: number }[]): number =>
  stages.reduce((most, { index }) => Math.max(most, index + 1), 0)

function progressText({ session }: Store): string {
  const { manifest, samples } = session
  return manifest?.model.kind === 'next-scale'
    ? `Drawing ${samples} ${samples === 1 ? 'mask' : 'masks'}, coarse to fine`
    : 'Segmenting'
}
