import type { BundleManifest } from '@septum/core'
import type { RunResult, StageMap, VolumeResult } from '../engine/messages.js'
import type { ModelEntry } from '../engine/models.js'
import type { OpenPicture } from '../files/picture.js'
import type { Problem } from '../files/problem.js'
import type { OpenVolume } from '../files/volume.js'
import type { SegmentServer } from '../server/client.js'
import type { Layout, Voxel } from '../volume/view.js'
import { History } from './history.js'
import { initialSettings, type Settings, type Tool } from './settings.js'

/** What the model does at this moment. */
export interface Busy {
  readonly kind: 'reading' | 'loading' | 'running'
  readonly text: string
  /** 0 to 1; null: not known. */
  readonly share: number | null
}

/** What is there besides settings; replaced as a whole, never changed in place. */
export interface Session {
  /** Null while a volume is shown as a whole. */
  readonly picture: OpenPicture | null
  readonly volume: OpenVolume | null
  /** What is shown and segmented of a volume: all of it, or one slice as a picture. */
  readonly scene: 'volume' | 'slice'
  readonly layout: Layout
  /** Voxel under the crosshair. */
  readonly cursor: Voxel
  readonly volumeResult: VolumeResult | null
  /** The server of this page; null where the page is served by one that only knows files. */
  readonly server: SegmentServer | null
  /** Where models run. */
  readonly where: 'browser' | 'server'
  readonly models: readonly ModelEntry[]
  readonly model: ModelEntry | null
  readonly manifest: BundleManifest | null
  readonly result: RunResult | null
  /** Stages of the run in progress. */
  readonly growing: readonly StageMap[]
  readonly busy: Busy | null
  readonly problem: Problem | null
  readonly samples: number
  readonly seed: number
  readonly tool: Tool
  readonly playing: boolean
}

const initialSession: Session = {
  picture: null,
  volume: null,
  scene: 'volume',
  layout: 'planes',
  cursor: [0, 0, 0],
  volumeResult: null,
  server: null,
  where: 'browser',
  models: [],
  model: null,
  manifest: null,
  result: null,
  growing: [],
  busy: null,
  problem: null,
  samples: 8,
  seed: 0,
  tool: 'move',
  playing: false,
}

/** The volume that is shown as a whole; null for pictures and single slices. */
export const volumeInSight = ({ volume, scene }: Session): OpenVolume | null =>
  scene === 'volume' ? volume : null

/** The page's state. Listeners are called at most once a frame. */
export class Store {
  private readonly history = new History<Settings>(initialSettings)
  private current: Session = initialSession
  private readonly listeners: (() => void)[] = []
  private scheduled = false

  get session(): Session {
    return this.current
  }

  get settings(): Settings {
    return this.history.present
  }

  get canUndo(): boolean {
    return this.history.canUndo
  }

  get canRedo(): boolean {
    return this.history.canRedo
  }

  /** Changes settings as a step that can be undone; `kind` as in `History.set`. */
  set(change: Partial<Settings>, kind = Object.keys(change).join()): void {
    this.history.set({ ...this.settings, ...change }, kind)
    this.notify()
  }

  /** Changes settings without a step. */
  amend(change: Partial<Settings>): void {
    this.history.amend({ ...this.settings, ...change })
    this.notify()
  }

  /** Changes settings and forgets the steps so far. */
  restart(change: Partial<Settings>): void {
    this.history.reset({ ...this.settings, ...change })
    this.notify()
  }

  update(change: Partial<Session>): void {
    this.current = { ...this.current, ...change }
    this.notify()
  }

  undo(): void {
    this.history.undo()
    this.notify()
  }

  redo(): void {
    this.history.redo()
    this.notify()
  }

  subscribe(listener: () => void): void {
    this.listeners.push(listener)
  }

  private notify(): void {
    if (this.scheduled) return
    this.scheduled = true
    requestAnimationFrame(() => {
      this.scheduled = false
      for (const listener of this.listeners) listener()
    })
  }
}
