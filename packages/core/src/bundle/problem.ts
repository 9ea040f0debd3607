import { SeptumError } from '../error.js'
import { manifestFile } from './manifest.js'

export type BundleProblem =
  | 'bundle-missing'
  | 'bundle-manifest'
  | 'bundle-version'
  | 'bundle-hash'
  | 'bundle-graph'
  | 'bundle-input'

const hints: Readonly<Record<BundleProblem, string>> = {
  'bundle-missing': 'Give the folder model/ that septum export wrote, with all of its files.',
  'bundle-manifest': 'Export the run again.',
  'bundle-version': 'Install a newer Septum.',
  'bundle-hash': 'Copy the bundle again, or export the run again.',
  'bundle-graph': 'Update ONNX Runtime, or export the run again.',
  'bundle-input': 'Bring the image to the channels and the size that the model takes; model.json says which.',
}

/** An error about a bundle, with the remedy that fits its code. */
export function bundleProblem(
  code: BundleProblem,
  message: string,
  file: string = manifestFile,
  options?: ErrorOptions,
): SeptumError {
  return new SeptumError(code, message, hints[code], { file }, options)
}
