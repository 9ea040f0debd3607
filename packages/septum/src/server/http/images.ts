import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Context } from 'hono'
import { notFound } from './problem.js'
import { fileBelow, sendFile } from './send-file.js'

/** An image of the data folder. */
export interface ServedImage {
  /** Path below the folder, with `/`, as requests name it. */
  readonly reference: string
  readonly bytes: number
}

/** More than a list is looked through. */
const MOST_IMAGES = 1000
const DEEPEST = 6

const isHidden = (path: string): boolean => path.split('/').some((part) => part.startsWith('.'))
const isImage = (name: string): boolean => /\.(png|jpe?g|tiff?|bmp|nii(\.gz)?|nrrd|mha|dcm|zip)$/i.test(name)

/** Files that look like images, by name, a thousand at most; links and hidden folders are passed over. */
export async function listImages(folder: string): Promise<ServedImage[]> {
  const images: ServedImage[] = []
  const look = async (path: readonly string[]): Promise<void> => {
    const entries = await readdir(join(folder, ...path), { withFileTypes: true }).catch(() => [])
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (images.length === MOST_IMAGES) return
      if (isHidden(entry.name)) continue
      const below = [...path, entry.name]
      if (entry.isDirectory() && below.length < DEEPEST) await look(below)
      else if (entry.isFile() && isImage(entry.name))
        images.push({ reference: below.join('/'), bytes: (await stat(join(folder, ...below))).size })
    }
  }
  await look([])
  return images
}

/** `GET /v1/images/{reference}`. @throws HttpProblem 404 for what is no image below the folder, links followed. */
export async function sendImage(c: Context, data: string | undefined): Promise<Response> {
  const reference = c.req.param('reference') ?? ''
  const file = data && !isHidden(reference) && (await fileBelow(data, reference))
  // As bytes: whatever lies in the folder, a browser is not to take it for a page.
  const headers = { 'Content-Type': 'application/octet-stream', 'Cache-Control': 'no-store' }
  const sent = file && isImage(file) && (await sendFile(c, file, headers))
  if (!sent) throw notFound('image')
  return sent
}
