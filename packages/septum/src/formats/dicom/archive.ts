import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import yauzl from 'yauzl'
import { unreadable } from '../problem.js'
import { fileSource, inflated, takeFrom } from './node-source.js'
import { fail } from './problem.js'
import type { ByteSource } from './source.js'

/** Files of a series: one file, those below a folder, or the entries of a zip. */
export interface Collection {
  readonly sources: readonly ByteSource[]
  close(): void
}

const MOST_FILES = 50_000

/** Opens a DICOM file, a folder with all below it, or a zip archive. @throws SeptumError */
export async function openCollection(path: string): Promise<Collection> {
  let folder: boolean
  try {
    folder = (await lstat(path)).isDirectory()
  } catch (cause) {
    throw unreadable(path, cause)
  }
  if (folder) return { sources: await filesBelow(path), close: () => {} }
  const source = fileSource(path)
  return isZip(await source.head(4)) ? openZip(path) : { sources: [source], close: () => {} }
}

/** Whether bytes begin a zip archive. */
export function isZip(head: Uint8Array): boolean {
  return head[0] === 0x50 && head[1] === 0x4b && head[2] === 3 && head[3] === 4
}

/** Regular files below a folder, sorted by name; links are not followed. */
async function filesBelow(folder: string): Promise<ByteSource[]> {
  const found: ByteSource[] = []
  const pending = [folder]
  for (let current = pending.pop(); current !== undefined; current = pending.pop()) {
    const entries = await readdir(current, { withFileTypes: true }).catch((cause: unknown) => {
      throw unreadable(folder, cause)
    })
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.isDirectory()) pending.push(join(current, entry.name))
      else if (entry.isFile()) found.push(fileSource(join(current, entry.name)))
      if (found.length + pending.length > MOST_FILES) tooMany(folder)
    }
  }
  return found
}

function tooMany(file: string): never {
  return fail(
    'dicom-too-large',
    `There are more than ${MOST_FILES} files`,
    'Give the folder or archive of one study.',
    file,
  )
}

/**
 * Opens a zip archive. Nothing of it is written to disk, an entry is unpacked no further than its reader asks, and
 * entry names, which often hold the patient's, never reach an error.
 * @throws SeptumError `archive-broken` or `archive-name`.
 */
async function openZip(file: string): Promise<Collection> {
  const zip = await new Promise<yauzl.ZipFile>((resolve, reject) => {
    yauzl.open(file, { lazyEntries: true, autoClose: false }, (error, opened) =>
      error ? reject(error) : resolve(opened),
    )
  }).catch((cause: unknown) => damaged(file, cause))
  try {
    const entries = await listEntries(zip, file)
    return { sources: entries.map((entry) => zipSource(zip, entry, file)), close: () => zip.close() }
  } catch (error) {
    zip.close()
    throw error
  }
}

function listEntries(zip: yauzl.ZipFile, file: string): Promise<yauzl.Entry[]> {
  return new Promise<yauzl.Entry[]>((resolve, reject) => {
    const entries: yauzl.Entry[] = []
    zip.on('entry', (entry: yauzl.Entry) => {
      if (!entry.fileName.endsWith('/')) entries.push(entry)
      if (entries.length > MOST_FILES) reject(new Error('too many'))
      else zip.readEntry()
    })
    zip.on('end', () => resolve(entries))
    zip.on('error', reject)
    zip.readEntry()
  }).catch((cause: unknown) => damaged(file, cause))
}

function zipSource(zip: yauzl.ZipFile, entry: yauzl.Entry, file: string): ByteSource {
  return {
    file,
    async head(count) {
      try {
        const stream = await new Promise<NodeJS.ReadableStream & { destroy(): unknown }>(
          (resolve, reject) => {
            zip.openReadStream(entry, (error, opened) => (error ? reject(error) : resolve(opened)))
          },
        )
        return await takeFrom(stream, () => {}, count)
      } catch (cause) {
        return damaged(file, cause)
      }
    },
    inflated,
  }
}

function damaged(file: string, cause: unknown): never {
  const text = cause instanceof Error ? cause.message : ''
  if (/relative path|absolute path|invalid characters in fileName/.test(text)) {
    fail(
      'archive-name',
      'The zip archive holds a name that leads outside of it',
      'Do not trust the file.',
      file,
    )
  }
  if (text === 'too many') tooMany(file)
  return fail(
    'archive-broken',
    `The zip archive is damaged, encrypted or cut off`,
    'Copy it again from its source, or unpack it.',
    file,
  )
}
