import { SeptumError } from '@septum/core'
import type { ModelSource } from './messages.js'

/** A model that can be chosen. The source's identity tells the engine whether it is open already. */
export interface ModelEntry {
  readonly id: string
  readonly title: string
  readonly source: ModelSource
  /** Name of the same model on the page's server. */
  readonly serverId?: string
}

interface ModelList {
  readonly models: readonly { readonly title: string; readonly url: string; readonly id?: string }[]
  /** Where the interface of `septum serve` is; absent on a server of files. */
  readonly api?: string
  /** Page of trainings, where the server shows any. */
  readonly training?: string
}

/**
 * Models named in `models.json` beside the page: `{ "models": [{ "title": …, "url": "models/name/" }] }`.
 * @returns none where the file is absent: models can still be opened from a folder.
 */
export async function listModels(
  page: URL,
): Promise<{ readonly models: readonly ModelEntry[]; readonly api?: URL; readonly training?: URL }> {
  const response = await fetch(new URL('models.json', page)).catch(() => undefined)
  if (!response?.ok) return { models: [] }
  const { models, api, training }: ModelList = await response.json()
  return {
    models: models.map(({ title, url, id }) => ({
      ...{ id: url, title, source: { url: new URL(url, page).href } },
      ...(api && id !== undefined && { serverId: id }),
    })),
    ...(api && { api: new URL(api, page) }),
    ...(training && { training: new URL(training, page) }),
  }
}

/** A bundle folder that a person opened; its files stay in the browser. */
export function modelFromFiles(files: readonly File[]): ModelEntry {
  const manifest = files.find(({ name }) => name === 'model.json')
  if (!manifest) {
    throw new SeptumError(
      'bundle-missing',
      'There is no model in this folder',
      'Open the folder that `septum export` wrote, with model.json in it.',
    )
  }
  const folder = manifest.webkitRelativePath.split('/').at(-2) ?? 'opened folder'
  // A run folder may be opened whole; only the files beside the manifest are the model's.
  const prefix = manifest.webkitRelativePath.slice(0, -'model.json'.length)
  const own = files.filter(({ webkitRelativePath: path, name }) => path === `${prefix}${name}`)
  return { id: `folder:${folder}`, title: `${folder} (opened here)`, source: { files: own } }
}
