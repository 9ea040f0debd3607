import { existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BackboneName } from '../build.js'

/** What weights are kept of: backbones, and the encoder of TransUNet as a whole. */
export type StoredName = BackboneName | 'transunet'

/** Folders below the project's `models/` that hold weights of a backbone. */
const shipped: Partial<Record<StoredName, string>> = { 'mobilenet-v2': 'mobilenet-v2-imagenet' }

/**
 * Where imported weights are kept: `SEPTUM_WEIGHTS`, else `septum/weights` in the user's data folder
 * (`XDG_DATA_HOME`, else `~/.local/share`).
 */
export function weightsFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  if (env.SEPTUM_WEIGHTS) return env.SEPTUM_WEIGHTS
  return join(env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'septum', 'weights')
}

/** The file that imported weights have, whether it exists or not; its folder is made. */
export function importedFile(name: StoredName): string {
  const folder = weightsFolder()
  mkdirSync(folder, { recursive: true })
  return join(folder, `${name}.safetensors`)
}

/** `models/<folder>/weights.safetensors` in one of the folders above this one. */
function shippedFile(folder: string): string | null {
  let at = dirname(fileURLToPath(import.meta.url))
  for (;;) {
    const file = join(at, 'models', folder, 'weights.safetensors')
    if (existsSync(file)) return file
    const above = dirname(at)
    if (above === at) return null
    at = above
  }
}

/** Weights that are kept: imported ones first, then those that come with the project; null where there are none. */
export function findWeights(name: StoredName): string | null {
  const own = join(weightsFolder(), `${name}.safetensors`)
  if (existsSync(own)) return own
  const folder = shipped[name]
  return folder === undefined ? null : shippedFile(folder)
}
