import { resolve } from 'node:path'
import { type FoundRun, findRuns } from './folder.js'
import { RunFollower } from './run-follower.js'
import type { RunView } from './schemas.js'

/** Folders are not searched more often than this, however many ask. */
const SEARCH_MS = 2000
const LEAST_SEARCH_MS = 500

/** The runs below a folder. */
export class RunShelf {
  readonly #followers = new Map<string, RunFollower>()
  #found: { readonly at: number; readonly left: number } | undefined
  #searching: Promise<void> | undefined

  readonly #root: string

  constructor(root: string) {
    this.#root = resolve(root)
  }

  async list(): Promise<{ runs: RunView[]; left: number }> {
    await this.#search()
    const runs: RunView[] = []
    // One after the other: a shelf of hundreds must not open hundreds of files at once.
    for (const follower of this.#followers.values()) runs.push(await follower.view())
    const time = ({ updated }: RunView) => (updated ? Date.parse(updated) : 0)
    return { runs: runs.sort((a, b) => time(b) - time(a)), left: this.#found?.left ?? 0 }
  }

  /** @returns undefined where there is no such run: ids are compared, never joined to a path. */
  async find(id: string): Promise<RunFollower | undefined> {
    await this.#search()
    // One that has just begun is known by its name before the folders are searched again.
    if (!this.#followers.has(id)) await this.#search(LEAST_SEARCH_MS)
    return this.#followers.get(id)
  }

  async #search(oldest = SEARCH_MS): Promise<void> {
    if (this.#found && Date.now() - this.#found.at < oldest) return
    this.#searching ??= findRuns(this.#root)
      .then(({ runs, left }) => {
        const known = new Set(runs.map(({ id }: FoundRun) => id))
        for (const id of this.#followers.keys()) if (!known.has(id)) this.#followers.delete(id)
        for (const run of runs)
          if (!this.#followers.has(run.id)) this.#followers.set(run.id, new RunFollower(run))
        this.#found = { at: Date.now(), left }
      })
      .finally(() => {
        this.#searching = undefined
      })
    await this.#searching
  }
}
