import { type BundleFiles, manifestFile, SeptumError } from '@septum/core'
import type { ModelSource } from './messages.js'

/** @throws SeptumError `bundle-missing` from `read`, also when a server answers with its own error page. */
export function bundleFiles(source: ModelSource): BundleFiles {
  return 'url' in source ? urlFiles(source.url) : droppedFiles(source.files)
}

function urlFiles(base: string): BundleFiles {
  return {
    async read(file) {
      const response = await fetch(new URL(file, base)).catch(() => undefined)
      if (!response?.ok) throw missing(file)
      return new Uint8Array(await response.arrayBuffer())
    },
  }
}

function droppedFiles(files: readonly File[]): BundleFiles {
  return {
    async read(file) {
      const found = files.find((each) => each.name === file)
      if (!found) throw missing(file)
      return new Uint8Array(await found.arrayBuffer())
    },
  }
}

function missing(file: string): SeptumError {
  const manifest = file === manifestFile
  return new SeptumError(
    'bundle-missing',
    manifest ? 'There is no model in this place' : 'The model is incomplete: a file of it is missing',
    manifest
      ? `A model is a folder that \`septum export\` wrote, with ${manifestFile} in it.`
      : 'Copy the whole folder again.',
    { file },
  )
}
