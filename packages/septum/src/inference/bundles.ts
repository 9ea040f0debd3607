import { existsSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { type BundleManifest, type BundleModel, manifestFile, openBundle, SeptumError } from '@septum/core'
import { folderFiles, nodeSessions } from '../export/node-runtime.js'
import { fileChannels } from './view.js'

/** Opens the bundle in a folder. */
export type OpenBundle = (folder: string, threads: number) => Promise<BundleModel>

/** On ONNX Runtime for Node. @param threads of the runtime. @throws SeptumError with a `bundle-` code. */
export const openBundleFolder: OpenBundle = async (folder, threads) =>
  openBundle(folderFiles(folder), await nodeSessions({ threads }))

/**
 * The folder with `model.json`: the given one, or `model/` in the folder of a run.
 * @returns undefined where there is none.
 */
export function bundleFolder(folder: string): string | undefined {
  return [folder, join(folder, 'model')].find((candidate) => existsSync(join(candidate, manifestFile)))
}

/** A name for people: that of the folder, of the run's folder for `run/model`. */
export function bundleName(folder: string): string {
  const path = resolve(folder)
  return basename(path) === 'model' ? basename(resolve(path, '..')) : basename(path)
}

/** What an ensemble of bundles has in common. */
export type Agreement = Pick<BundleManifest, 'classes' | 'dimensions'> & { readonly channels: number }

/**
 * What all bundles of an ensemble agree on.
 * @throws SeptumError `bundle-ensemble` where they mark other classes or take other images.
 */
export function agreementOf(manifests: readonly BundleManifest[], folders: readonly string[]): Agreement {
  const [first] = manifests
  if (!first) throw new SeptumError('bundle-ensemble', 'There is no model', 'Give a bundle.')
  const common = (manifest: BundleManifest): string =>
    JSON.stringify([
      manifest.classes.map(({ name, label, region }) => [name, label, region]),
      manifest.paintOrder,
      manifest.dimensions,
      fileChannels(manifest),
      manifest.preprocessing.maxValue,
      manifest.model.kind === 'mask' ? manifest.model.output : 'sigmoid',
    ])
  const other = manifests.findIndex((manifest) => common(manifest) !== common(first))
  if (other >= 0) {
    throw new SeptumError(
      'bundle-ensemble',
      'The model differs from the first in its classes, dimensions, channels, range of values or kind of output',
      'Ensembles are of models of one task: give bundles of the same data set.',
      { file: folders[other]! },
    )
  }
  return { classes: first.classes, dimensions: first.dimensions, channels: fileChannels(first) }
}
