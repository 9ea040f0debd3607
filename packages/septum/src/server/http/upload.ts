import { createWriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { HttpProblem } from './problem.js'

/** Slower than any network that a person would send images over. */
const LEAST_BYTES_A_SECOND = 1024

export interface UploadLimits {
  readonly uploadBytes: number
  readonly uploadIdleMs: number
}

/**
 * A body in chunks. Nothing that the client says of it is believed: neither name nor type nor length.
 * @throws HttpProblem 400 for a body that breaks off, 408 for a client that stops sending, 413.
 */
export async function* chunksOf(
  body: ReadableStream<Uint8Array> | null,
  declared: string | undefined,
  { uploadBytes, uploadIdleMs }: UploadLimits,
): AsyncGenerator<Uint8Array> {
  const tooLarge = () =>
    new HttpProblem(
      413,
      'server-upload-size',
      `The upload is larger than ${Math.floor(uploadBytes / 2 ** 20)} MiB`,
      'Send less, or use septum predict on the machine that has the image.',
      { Connection: 'close' },
    )
  if (Number(declared) > uploadBytes) throw tooLarge()
  if (!body) throw empty()
  const reader = body.getReader()
  const begun = performance.now()
  let bytes = 0
  try {
    for (;;) {
      const { done, value } = await withinTime(reader.read(), uploadIdleMs)
      if (done) return
      bytes += value.length
      if (bytes > uploadBytes) throw tooLarge()
      // A byte now and then would keep a place in the queue as long as the client likes.
      const seconds = (performance.now() - begun) / 1000
      if (seconds * 1000 > uploadIdleMs && bytes < seconds * LEAST_BYTES_A_SECOND) {
        throw slow(`The upload came at less than ${LEAST_BYTES_A_SECOND} bytes a second`)
      }
      yield value
    }
  } catch (error) {
    throw error instanceof HttpProblem ? error : brokeOff()
  } finally {
    // Not waited for: a client that is gone never answers.
    void reader.cancel().catch(() => {})
  }
}

/**
 * Streams chunks into a new file.
 * @returns its number of bytes. @throws HttpProblem 400 for an empty one; what `chunks` throws; errors of the disk.
 */
export async function store(chunks: AsyncIterable<Uint8Array>, file: string): Promise<number> {
  let bytes = 0
  async function* counted() {
    for await (const chunk of chunks) {
      bytes += chunk.length
      yield chunk
    }
  }
  try {
    await pipeline(counted, createWriteStream(file, { flags: 'wx', mode: 0o600 }))
  } catch (error) {
    if (error instanceof HttpProblem || isDiskError(error)) throw error
    throw brokeOff()
  }
  if (bytes === 0) throw empty()
  return bytes
}

const brokeOff = () =>
  new HttpProblem(400, 'server-upload', 'The upload broke off', 'Send the image again.', {
    Connection: 'close',
  })

const slow = (message: string): HttpProblem =>
  new HttpProblem(408, 'server-upload-slow', message, 'Send the image again over a better connection.', {
    Connection: 'close',
  })

const empty = () =>
  new HttpProblem(400, 'server-upload', 'The upload is empty', 'Send the bytes of an image as the body.')

const isDiskError = (error: unknown): boolean =>
  error instanceof Error &&
  /^(ENOSPC|EDQUOT|EACCES|EROFS|EIO)$/.test((error as NodeJS.ErrnoException).code ?? '')

async function withinTime<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(slow(`No byte of the upload came for ${ms / 1000} s`)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** How contents begin, and the extension by which their reader is found. */
const beginnings: readonly (readonly [offset: number, bytes: string, extension: string])[] = [
  [128, 'DICM', '.dcm'],
  [0, '\x89PNG\r\n\x1a\n', '.png'],
  [0, '\xff\xd8\xff', '.jpg'],
  [0, 'PK\x03\x04', '.zip'],
  [0, '\x1f\x8b', '.nii.gz'],
  [344, 'n+1\0', '.nii'],
  [0, 'NRRD', '.nrrd'],
  [0, '\x93NUMPY', '.npy'],
  [0, 'II*\0', '.tif'],
  [0, 'MM\0*', '.tif'],
  [0, 'ObjectType', '.mha'],
  [0, 'NDims', '.mha'],
  [0, 'BM', '.bmp'],
]

/**
 * The extension for a received file, by its content.
 * @throws HttpProblem 415 for content that is no image of a known format.
 */
export async function extensionOf(file: string): Promise<string> {
  await using handle = await open(file)
  const head = Buffer.alloc(352)
  await handle.read(head, 0, head.length, 0)
  const text = head.toString('latin1')
  const found = beginnings.find(([offset, bytes]) => text.startsWith(bytes, offset))
  if (found) return found[2]
  throw new HttpProblem(
    415,
    'server-format',
    'The upload is no image of a known format',
    'Send PNG, JPEG, TIFF, NIfTI, NRRD, MetaImage, a DICOM file or a zip of a DICOM series.',
  )
}
