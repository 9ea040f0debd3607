import { SeptumError } from '@septum/core'
import { Cancelled, type Engine } from '../engine/client.js'
import type { RunResult, VolumeResult } from '../engine/messages.js'
import { type ModelEntry, modelFromFiles } from '../engine/models.js'
import type { ImageCatalogue } from '../files/examples.js'
import { openFiles } from '../files/open.js'
import { type OpenPicture, readRaterFiles } from '../files/picture.js'
import { problemOf } from '../files/problem.js'
import { type OpenVolume, sliceOf, volumeSize, volumeSpacing } from '../files/volume.js'
import type { JobProgress, ServerAnswer } from '../server/client.js'
import { pictureResult, sentImage, volumeResult } from '../server/results.js'
import type { Voxel } from '../volume/view.js'
import { spaced } from './spaced.js'
import { type Store, volumeInSight } from './state.js'

/** What a person can make the page do. Whatever fails is shown as sentences, never thrown. */
export class Actions {
  /** Counts runs and cancellations: a run that was cancelled while the model opened must not begin. */
  private turn = 0
  /** Ends what is under way on the server. */
  private abort = new AbortController()
  /** The slice that was left for the volume, with its result. */
  private left: { readonly volume: OpenVolume; readonly z: number; readonly result: RunResult } | undefined

  constructor(
    private readonly store: Store,
    private readonly engine: Engine,
    private readonly images: ImageCatalogue,
  ) {}

  /** A picture, a volume, or the files of a DICOM series. */
  openFiles(files: readonly File[], reference?: string): Promise<void> {
    return this.guarded(async () => {
      if (files.length === 0) return
      this.stopRun()
      this.store.update({
        busy: { kind: 'reading', text: 'Reading the image', share: null },
        problem: null,
      })
      const opened = await openFiles(files, reference)
      if (opened.kind === 'picture') this.show(opened.picture)
      else this.showVolume(opened.volume)
      if (this.store.session.busy?.kind === 'reading') this.store.update({ busy: null })
    })
  }

  openExample(id: string): Promise<void> {
    return this.guarded(async () => this.show(await this.images.open(id)))
  }

  /** An image of the page's server. */
  openReference(reference: string): Promise<void> {
    return this.guarded(async () => {
      const { server } = this.store.session
      if (server) await this.openFiles([await server.image(reference)], reference)
    })
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
    this.left = undefined
    this.store.update({
      ...{ model, manifest: null, result: null, volumeResult: null, growing: [], playing: false },
      ...(model.serverId === undefined && { where: 'browser' }),
    })
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

  /** Shows a volume as a whole, or the slice under its crosshair as a picture. */
  setScene(scene: 'volume' | 'slice'): void {
    const { volume, cursor, picture, result } = this.store.session
    if (!volume || scene === this.store.session.scene) return
    this.stopRun()
    if (scene === 'volume') {
      this.left = picture && result ? { volume, z: cursor[0], result } : undefined
      this.store.update({ scene, picture: null, result: null, growing: [], playing: false })
    } else {
      this.store.update({ scene })
      this.showSlice(cursor[0])
    }
  }

  /** Puts the crosshair of a volume on a voxel; where one slice is shown, shows the slice of that voxel. */
  moveTo(cursor: Voxel): void {
    const { volume, scene, cursor: before } = this.store.session
    if (!volume || cursor.every((at, axis) => at === before[axis])) return
    this.store.update({ cursor })
    if (scene === 'slice' && cursor[0] !== before[0]) this.showSlice(cursor[0])
  }

  run(): Promise<void> {
    return this.guarded(async () => {
      const { picture, model, busy } = this.store.session
      const volume = volumeInSight(this.store.session)
      if ((!picture && !volume) || !model || busy) return
      this.store.update({ problem: null })
      const turn = ++this.turn
      if (volume) await this.runVolume(volume, model, turn)
      else await this.runPicture(picture!, model, turn)
    })
  }

  private async runPicture(picture: OpenPicture, model: ModelEntry, turn: number): Promise<void> {
    const { store } = this
    store.update({ result: null, growing: [], playing: false })
    store.amend({ leftOut: [], sample: 0, scale: 0 })
    const result =
      store.session.where === 'server'
        ? await this.onServer(picture, model, (answer) =>
            pictureResult(answer, store.session.manifest?.classes ?? [], store.session.seed),
          )
        : await this.inBrowser(picture, model, turn)
    if (!result || turn !== this.turn) return
    store.update({ result, growing: [], busy: null })
    store.restart({ view: 'consensus', scale: Math.max(0, scalesOf(result.stages) - 1) })
  }

  private async inBrowser(
    picture: OpenPicture,
    model: ModelEntry,
    turn: number,
  ): Promise<RunResult | undefined> {
    const { store } = this
    await this.ready(model)
    if (turn !== this.turn) return undefined
    if (store.session.manifest?.dimensions === 3) {
      store.update({ busy: null })
      throw new SeptumError(
        'viewer-volume',
        'This model segments volumes, not single pictures',
        store.session.volume ? 'Show the whole volume.' : 'Open a volume, or choose a model for pictures.',
      )
    }
    store.update({ busy: { kind: 'running', text: 'Looking at the image', share: null } })
    const { samples, seed } = store.session
    const { centre, spacingMm } = store.settings
    const request = { image: spaced(picture.image, spacingMm), centre, samples, seed }
    return this.engine.run(request, {
      onProgress: (done, total) =>
        store.update({ busy: { kind: 'running', text: progressText(store), share: done / total } }),
      onStage: (stage) => {
        store.update({ growing: [...store.session.growing, stage] })
        store.amend({ scale: stage.index })
      },
    })
  }

  private async runVolume(volume: OpenVolume, model: ModelEntry, turn: number): Promise<void> {
    const { store } = this
    store.update({ volumeResult: null })
    let result: VolumeResult
    if (store.session.where === 'server') {
      result = await this.onServer(volume, model, (answer) => volumeResult(answer, store.session.seed))
    } else {
      await this.ready(model)
      if (turn !== this.turn) return
      const { samples, seed } = store.session
      store.update({ busy: { kind: 'running', text: 'Preparing the volume', share: null } })
      result = await this.engine.runVolume(
        { image: volume.image, samples, seed },
        {
          onProgress: (done, total) =>
            store.update({
              busy: { kind: 'running', text: `Part ${done} of ${total}`, share: done / total },
            }),
        },
      )
    }
    if (turn === this.turn) store.update({ volumeResult: result, busy: null })
  }

  private onServer<Result>(
    image: OpenPicture | OpenVolume,
    { serverId }: ModelEntry,
    read: (answer: ServerAnswer) => Promise<Result>,
  ): Promise<Result> {
    const { server, samples, seed } = this.store.session
    this.abort = new AbortController()
    const question = { model: serverId!, image: sentImage(image), samples, seed, maps: 'raters' in image }
    return server!.segment(question, this.jobProgress, this.abort.signal, read)
  }

  /** Ends what is under way. */
  cancel(): void {
    const { busy } = this.store.session
    if (!busy) return
    this.turn++
    this.abort.abort()
    this.engine.cancel()
    this.store.update({ busy: null, growing: [] })
  }

  private readonly loading = (done: number, total: number): void => {
    const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1)
    const text = `Loading the model: ${megabytes(done)} of ${megabytes(total)} MB`
    this.store.update({ busy: { kind: 'loading', text, share: done / total } })
  }

  private readonly jobProgress = (progress: JobProgress): void => {
    const { host } = this.store.session.server!
    const [text, share] =
      progress.state === 'running'
        ? [`On ${host}: part ${progress.done} of ${progress.total}`, progress.done / progress.total]
        : [progress.state === 'sending' ? `Sending to ${host}` : `Waiting for ${host}`, null]
    this.store.update({ busy: { kind: 'running', text, share: Number.isNaN(share) ? null : share } })
  }

  private show(picture: OpenPicture): void {
    this.left = undefined
    this.store.update({ volume: null, volumeResult: null })
    this.showPicture(picture, picture.image.geometry?.spacingMm)
  }

  private showPicture(picture: OpenPicture, spacing?: readonly number[], result: RunResult | null = null) {
    this.stopRun()
    this.store.update({ picture, result, growing: [], problem: null, playing: false })
    const { classIndex, opacity, view, grey } = this.store.settings
    this.store.restart({
      ...{ classIndex, opacity, view, leftOut: [], sample: 0, scale: 0, threshold: 0.5, raters: false },
      ...{ centre: null, ruler: null, grey: this.store.session.volume ? grey : null },
      spacingMm: spacing ? [spacing[0]!, spacing[1]!] : null,
    })
  }

  private showSlice(z: number): void {
    const volume = this.store.session.volume!
    const { left } = this
    const result = left?.volume === volume && left.z === z ? left.result : null
    this.showPicture(sliceOf(volume, z), volumeSpacing(volume)?.slice(1), result)
  }

  private showVolume(volume: OpenVolume): void {
    const [depth, height, width] = volumeSize(volume)
    this.left = undefined
    this.store.update({
      ...{ volume, volumeResult: null, scene: 'volume', picture: null, result: null, growing: [] },
      ...{ playing: false, tool: 'move' },
      cursor: [depth >> 1, height >> 1, width >> 1],
    })
    this.store.restart({ grey: null, ruler: null, centre: null, raters: false })
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
