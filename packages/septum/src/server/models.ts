import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BundleManifest, manifestFile, parseManifest, SeptumError } from '@septum/core'
import { bundleFolder, bundleName } from '../inference/bundles.js'

/** A bundle that the server offers. Only its manifest is read here: the graphs are the worker's. */
export interface ServedModel {
  readonly id: string
  readonly folder: string
  readonly manifest: BundleManifest
  /** Files that may be fetched. */
  readonly files: ReadonlySet<string>
}

/**
 * Reads the manifests of bundles (or of runs that hold one).
 * @throws SeptumError `bundle-missing` and what `parseManifest` says.
 */
export async function readModels(folders: readonly string[]): Promise<ServedModel[]> {
  const models: ServedModel[] = []
  for (const given of folders) {
    const folder = bundleFolder(given)
    if (!folder) {
      throw new SeptumError(
        'bundle-missing',
        'The folder holds no model bundle',
        'Give the folder that septum export wrote.',
        { file: given },
      )
    }
    const file = join(folder, manifestFile)
    const manifest = parseManifest(await readFile(file, 'utf8'), file)
    const base =
      bundleName(folder)
        .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
        .replace(/^\.+/, '') || 'model'
    const taken = (id: string) => models.some((model) => model.id === id)
    let id = base
    for (let i = 2; taken(id); i++) id = `${base}-${i}`
    const files = new Set([manifestFile, ...manifest.files.map((entry) => entry.file)])
    models.push({ id, folder, manifest, files })
  }
  return models
}
