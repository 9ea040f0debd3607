import { describe, expect, it } from 'vitest'
import { boundaryOf, formParts } from './multipart.js'

const boundary = 'XyZ'
const part = (headers: string, content: string) => `--${boundary}\r\n${headers}\r\n\r\n${content}\r\n`
const file = 'Content-Disposition: form-data; name="image"; filename="a.png"\r\nContent-Type: image/png'
const field = 'content-disposition: form-data; name="seed"'

async function* inPieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text, 'latin1')
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
async function partsOf(text: string, size = text.length, chosen = boundary) {
  const found: { name: string; isFile: boolean; content: string }[] = []
  for await (const { name, isFile, content } of formParts(inPieces(text, size), chosen)) {
    const chunks: Uint8Array[] = []
    for await (const chunk of content) chunks.push(chunk)
    found.push({ name, isFile, content: Buffer.concat(chunks).toString('latin1') })
  }
  return found
}

describe('boundaryOf', () => {
  it.each([
    ['multipart/form-data; boundary=abc', 'abc'],
    ['Multipart/Form-Data; charset=utf-8; boundary="a b:c"', 'a b:c'],
    ['application/octet-stream', undefined],
    ['multipart/mixed; boundary=abc', undefined],
    [undefined, undefined],
  ])('%s: %s', (type, expected) => expect(boundaryOf(type)).toBe(expected))

  it.each([
    'multipart/form-data',
    'multipart/form-data; boundary=',
    `multipart/form-data; boundary=${'x'.repeat(71)}`,
  ])('%s is refused', (type) => expect(() => boundaryOf(type)).toThrow('The form is not understood'))
})

describe('formParts', () => {
  // Bytes that look like line ends and like the beginning of the boundary belong to the file.
  const content = 'a\r\n--Xy\r\n--XyY\r\n\r\n\x00\xff--XyZ no line before it'
  const text = `preamble\r\n${part(file, content)}${part(field, '7')}${part(file, '')}--${boundary}--\r\nepilogue`
  const expected = [
    { name: 'image', isFile: true, content },
    { name: 'seed', isFile: false, content: '7' },
    { name: 'image', isFile: true, content: '' },
  ]

  it('gives files and fields byte for byte, wherever the pieces end', async () => {
    for (let size = 1; size <= text.length; size++)
      expect(await partsOf(text, size), `${size}`).toEqual(expected)
  })

  it('skips what is not read of a part', async () => {
    const names: string[] = []
    for await (const { name } of formParts(inPieces(text, 5), boundary)) names.push(name)
    expect(names).toEqual(['image', 'seed', 'image'])
  })

  it.each([
    ['nothing', ''],
    ['no delimiter', 'just text'],
    ['an end before its time', part(file, 'abc').slice(0, -2)],
    ['no last delimiter', part(file, 'abc')],
    ['no headers', `--${boundary}\r\n\r\nabc\r\n--${boundary}--`],
    ['a part without a name', `${part('Content-Disposition: form-data', 'abc')}--${boundary}--`],
    ['text behind the delimiter', `--${boundary}x\r\n${field}\r\n\r\n7\r\n--${boundary}--`],
    ['endless headers', `--${boundary}\r\n${'x'.repeat(20_000)}`],
  ])('refuses %s', async (_, given) => {
    await expect(partsOf(given, 7)).rejects.toMatchObject({ status: 400, code: 'server-upload' })
  })
})
