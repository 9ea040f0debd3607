import { HttpProblem } from './problem.js'

/** A part of a form. */
export interface FormPart {
  readonly name: string
  /** Whether the client gave it a file name; which one is nobody's business. */
  readonly isFile: boolean
  /** Its content; it must be read to its end before the next part. */
  readonly content: AsyncIterable<Uint8Array>
}

/** Headers of a part are a name, a file name and a type. */
const LONGEST_HEAD = 16_384

const malformed = (): HttpProblem =>
  new HttpProblem(
    400,
    'server-upload',
    'The form is not understood',
    'Send multipart/form-data as browsers and curl -F do, or the bytes of the image as the body.',
    { Connection: 'close' },
  )

/** Boundary of `multipart/form-data` (RFC 2046, section 5.1.1); undefined for another type. @throws HttpProblem 400 without one. */
export function boundaryOf(contentType: string | undefined): string | undefined {
  if (!/^multipart\/form-data\b/i.test(contentType ?? '')) return undefined
  const found = /;\s*boundary=(?:"([^"\r\n]{1,70})"|([^\s";,]{1,70}))\s*(?:;|$)/i.exec(contentType!)
  const boundary = found?.[1] ?? found?.[2]
  if (!boundary) throw malformed()
  return boundary
}

/**
 * Parts of a form (RFC 7578) as they come: nothing but one chunk is held in memory.
 * @throws HttpProblem 400 for a form that breaks off or is none; whatever `chunks` throws.
 */
export async function* formParts(
  chunks: AsyncIterable<Uint8Array>,
  boundary: string,
): AsyncGenerator<FormPart> {
  const source = chunks[Symbol.asyncIterator]()
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1')
  // With this the first delimiter looks like all others.
  let rest = Buffer.from('\r\n')

  async function fill(): Promise<void> {
    const { done, value } = await source.next()
    if (done) throw malformed()
    rest = rest.length === 0 ? Buffer.from(value) : Buffer.concat([rest, value])
  }
  /** What stands before the next delimiter, which is passed. */
  async function* toDelimiter(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const at = rest.indexOf(delimiter)
      if (at >= 0) {
        const before = rest.subarray(0, at)
        rest = rest.subarray(at + delimiter.length)
        if (before.length > 0) yield before
        return
      }
      // The end may be the beginning of a delimiter.
      const sure = rest.length - delimiter.length + 1
      if (sure > 0) {
        const before = rest.subarray(0, sure)
        rest = rest.subarray(sure)
        yield before
      }
      await fill()
    }
  }
  async function until(mark: string): Promise<string> {
    for (;;) {
      const at = rest.indexOf(mark)
      if (at > LONGEST_HEAD || (at < 0 && rest.length > LONGEST_HEAD)) throw malformed()
      if (at >= 0) {
        const text = rest.toString('utf8', 0, at)
        rest = rest.subarray(at + mark.length)
        return text
      }
      await fill()
    }
  }

  for await (const _ of toDelimiter());
  for (;;) {
    while (rest.length < 2) await fill()
    // What follows the last delimiter is no concern of ours, but is read, so that the connection can go on.
    if (rest.toString('latin1', 0, 2) === '--') {
      for (rest = Buffer.alloc(0); ; ) if ((await source.next()).done) return
    }
    if ((await until('\r\n')).trim() !== '') throw malformed()
    const head = await until('\r\n\r\n')
    const disposition = /^content-disposition:\s*form-data\b([^\r\n]*)/im.exec(head)?.[1]
    const name = /;\s*name="((?:[^"\\\r\n]|\\.)*)"/i.exec(disposition ?? '')?.[1]
    if (name === undefined) throw malformed()
    const content = toDelimiter()
    yield { name, isFile: /;\s*filename\*?=/i.test(disposition!), content }
    // A reader that stopped early leaves the rest of the part to be skipped.
    for await (const _ of content);
  }
}
