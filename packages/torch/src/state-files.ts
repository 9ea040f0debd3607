import { fromBytes } from './create.js'
import { flattenStateDict, openPth, openSafetensors, writeSafetensors } from './io/index.js'
import { byteCount } from './io/stored-dtype.js'
import { native } from './native.js'
import type { Tensor } from './ops/index.js'

export interface LoadedTensors {
  readonly tensors: Map<string, Tensor>
  /** Free text of the file's header. */
  readonly metadata: Readonly<Record<string, string>>
}

/** Row-major bytes of a tensor on any device and in any layout. */
function bytesOf(t: Tensor): Uint8Array {
  const bytes = new Uint8Array(byteCount(t.dtype, t.shape) ?? 0)
  native.readInto(t.handle, bytes)
  return bytes
}

/** Puts new tensors where they are wanted; frees those made so far when one of them fails. */
function place(entries: Iterable<readonly [string, () => Tensor]>, device: string): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>()
  try {
    for (const [name, make] of entries) {
      const made = make()
      const moved = made.to({ device })
      if (moved !== made) made.free()
      tensors.set(name, moved)
    }
    return tensors
  } catch (error) {
    for (const t of tensors.values()) t.free()
    throw error
  }
}

/**
 * Writes tensors as a `.safetensors` file: whole and synced under its name, or not at all. Layouts such as
 * channels-last are not stored; equal values give equal bytes.
 * @throws SeptumError as {@link writeSafetensors}, e.g. `disk-full`; complex tensors are refused.
 */
export function saveTensors(
  path: string,
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): void {
  const sources = Array.from(tensors, ([name, t]) => ({
    name,
    dtype: t.dtype,
    shape: t.shape,
    data: () => bytesOf(t),
  }))
  writeSafetensors(path, sources, metadata)
}

/**
 * Reads a whole `.safetensors` file.
 * @throws SeptumError `safetensors-*`, `file-*` when it is damaged; no tensor stays behind then.
 */
export function loadTensors(
  path: string,
  { device = 'cpu' }: { readonly device?: string } = {},
): LoadedTensors {
  const file = openSafetensors(path)
  try {
    const entries = file.names.map((name) => {
      const { dtype, shape } = file.entry(name)
      return [name, () => fromBytes(file.read(name), dtype, shape)] as const
    })
    return { tensors: place(entries, device), metadata: file.metadata }
  } finally {
    file.close()
  }
}

export interface LoadedPth {
  /** By the names of the state dict. */
  readonly tensors: Map<string, Tensor>
  /** What was taken off on the way to it, e.g. `state_dict`, `module.`. */
  readonly unwrapped: readonly string[]
  /** Names in the state dict that hold no tensor. */
  readonly skipped: readonly string[]
}

/**
 * Reads the state dict of a `.pth` file of PyTorch. Nothing in the file can run.
 * @throws SeptumError `pth-*`, `zip-*`, `file-*`; no tensor stays behind then.
 */
export function loadPth(path: string, { device = 'cpu' }: { readonly device?: string } = {}): LoadedPth {
  const file = openPth(path)
  try {
    const { tensors, unwrapped, skipped } = flattenStateDict(file.root, path)
    const entries = Array.from(
      tensors,
      ([name, t]) => [name, () => fromBytes(t.read(), t.dtype, t.shape)] as const,
    )
    return { tensors: place(entries, device), unwrapped, skipped }
  } finally {
    file.close()
  }
}

/** Free text in the header of a `.safetensors` file, whose lengths and offsets are checked. Reads no tensor. */
export function readMetadata(path: string): Readonly<Record<string, string>> {
  const file = openSafetensors(path)
  try {
    return file.metadata
  } finally {
    file.close()
  }
}
