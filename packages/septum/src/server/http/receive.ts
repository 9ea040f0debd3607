import { mkdir, readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Context } from 'hono'
import type { Metrics } from '../metrics.js'
import type { ServerLimits } from '../settings.js'
import { boundaryOf, formParts } from './multipart.js'
import { HttpProblem, notFound } from './problem.js'
import { referenceSchema } from './schemas.js'
import { fileBelow } from './send-file.js'
import { chunksOf, extensionOf, store } from './upload.js'

export interface ReceivePlace {
  readonly limits: ServerLimits
  readonly metrics: Metrics
  /** Folder of images that requests may name. */
  readonly data?: string
}

/** What a request brought. */
export interface Received {
  /** The image: a file, or the folder of a DICOM series. */
  readonly input: string
  /** Settings that came as fields of a form. */
  readonly fields: Readonly<Record<string, string>>
}

/** A body that names an image is short. */
const REFERENCE_BYTES = 4096

const MOST_FIELDS = 32
const LONGEST_FIELD = 1024

/** Slices of a series. */
const MOST_FILES = 4096

/** Receives the image of a request into a folder of its own, or finds the one that the request names. */
export async function receive(c: Context, folder: string, place: ReceivePlace): Promise<Received> {
  const { limits, metrics } = place
  const inside = join(folder, 'in')
  await mkdir(inside)
  const type = c.req.header('content-type')
  const reference = /^application\/json\b/i.test(type ?? '')
  const chunks = chunksOf(c.req.raw.body, c.req.header('content-length'), {
    ...limits,
    ...(reference && { uploadBytes: REFERENCE_BYTES }),
  })
  if (reference) {
    const raw = join(inside, 'reference')
    await store(chunks, raw)
    return { input: await referenceOf(raw, place), fields: {} }
  }
  const boundary = boundaryOf(type)
  if (boundary !== undefined) return receiveForm(chunks, boundary, inside, metrics)
  const raw = join(inside, 'upload')
  metrics.count('septum_upload_bytes_total', {}, await store(chunks, raw))
  return { input: await named(raw, inside, 'image'), fields: {} }
}

/** Files are the image or the slices of a series, the other fields settings. Names of files are not looked at. */
async function receiveForm(
  chunks: AsyncIterable<Uint8Array>,
  boundary: string,
  inside: string,
  metrics: Metrics,
): Promise<Received> {
  const fields: Record<string, string> = {}
  const files: string[] = []
  for await (const part of formParts(chunks, boundary)) {
    if (part.isFile) {
      if (files.length === MOST_FILES) throw tooMany()
      const raw = join(inside, `upload-${files.length}`)
      metrics.count('septum_upload_bytes_total', {}, await store(part.content, raw))
      files.push(raw)
      continue
    }
    if (Object.keys(fields).length === MOST_FIELDS || part.name.length > 64) throw tooMany()
    const text: Uint8Array[] = []
    let length = 0
    for await (const chunk of part.content) {
      length += chunk.length
      if (length > LONGEST_FIELD) throw tooMany()
      text.push(chunk)
    }
    fields[part.name] = Buffer.concat(text).toString('utf8')
  }
  const [first] = files
  if (!first) {
    throw new HttpProblem(
      400,
      'server-upload',
      'The form holds no file',
      'Send the image as a file: curl -F image=@scan.png.',
    )
  }
  if (files.length === 1) return { input: await named(first, inside, 'image'), fields }
  const series = join(inside, 'series')
  await mkdir(series)
  for (const [i, raw] of files.entries()) {
    if ((await extensionOf(raw)) !== '.dcm') {
      throw new HttpProblem(
        415,
        'server-format',
        'A form with several files must hold the slices of one DICOM series',
        'Send one request for each image.',
      )
    }
    await rename(raw, join(series, `${String(i).padStart(6, '0')}.dcm`))
  }
  return { input: series, fields }
}

const tooMany = (): HttpProblem =>
  new HttpProblem(400, 'server-upload', 'The form holds too much', 'See GET /openapi.json.', {
    Connection: 'close',
  })

/** Renames a file so that its content's reader is found. @throws HttpProblem 415 */
async function named(raw: string, folder: string, name: string): Promise<string> {
  const file = join(folder, `${name}${await extensionOf(raw)}`)
  await rename(raw, file)
  return file
}

async function referenceOf(body: string, { data }: ReceivePlace): Promise<string> {
  const text = await readFile(body, 'utf8')
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch {
    given = undefined
  }
  const parsed = referenceSchema.safeParse(given)
  if (!parsed.success) {
    throw new HttpProblem(
      400,
      'server-reference',
      'The body names no image',
      'Send { "reference": "path below the data folder" }, or the image itself as application/octet-stream.',
    )
  }
  const file = data && (await fileBelow(data, parsed.data.reference))
  const known = file && file !== data && (await stat(file).catch(() => undefined))
  if (!known || !(known.isFile() || known.isDirectory())) throw notFound('image')
  return file
}
