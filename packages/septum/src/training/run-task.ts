import type { Preprocessing } from '../datasets/index.js'
import type { PatchRecipe, Task } from '../methods/method.js'

/** A task and how its images come about: `task.json` of a run. */
export interface RunTask extends Task {
  readonly preprocessing?: Preprocessing
  /** Channels before preprocessing, where there is one: windows of a CT become channels. */
  readonly storedChannels?: number
  /** Where a planned run takes patches of pictures in training; prediction then covers all of them with patches. */
  readonly patches?: PatchRecipe
  /** The data sets of a run on several. */
  readonly parts?: readonly RunPart[]
}

/** One of several data sets of a run. */
export interface RunPart {
  readonly name: string
  readonly path: string
  readonly description: string | null
  readonly splits: string | null
  /** Its own classes, and the joint ones, from 0, that its masks tell of. */
  readonly classes: readonly string[]
  readonly annotated: readonly number[]
  /** Joint label of each of its labels that occurs among them: pairs. */
  readonly labels: readonly (readonly [own: number, joint: number])[]
  readonly raters: number
  readonly preprocessing?: Preprocessing
}
