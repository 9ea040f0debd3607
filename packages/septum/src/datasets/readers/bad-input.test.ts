import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { checkImage, Random } from '@septum/core'
import sharp from 'sharp'
import { afterAll, describe, expect, it } from 'vitest'
import { bounded, mutated, testFolder, truncations } from '../../formats/volume/testing.js'
import { readGif, readGifHeader } from './gif.js'
import { readLidcAnnotations } from './lidc-annotations.js'
import { readPnm } from './pnm.js'
import { drawPolygons } from './polygons.js'

const { put, remove } = testFolder('bad-readers')
afterAll(remove)

const picture = Uint8Array.from({ length: 24 * 18 }, (_, i) => (i % 7 < 3 ? 255 : 0))
const gif = () =>
  sharp(picture, { raw: { width: 24, height: 18, channels: 1 } })
    .gif()
    .toBuffer()
const pnm = () => Buffer.concat([Buffer.from('P5\n# drawn\n24 18\n255\n'), picture])
const xml = () =>
  readFileSync(
    fileURLToPath(
      new URL(
        '../fixtures/lidc/LIDC-IDRI-0001/01-01-2000-30178/3000566.000000-03192/069.xml',
        import.meta.url,
      ),
    ),
  )

type Kind = readonly [
  name: string,
  make: () => Promise<Buffer> | Buffer,
  read: (file: string) => Promise<unknown>,
]
const kinds: readonly Kind[] = [
  [
    'mask.gif',
    gif,
    async (file) => {
      await readGifHeader(file)
      checkImage(await readGif(file))
    },
  ],
  ['image.ppm', pnm, async (file) => checkImage(await readPnm(file))],
  ['image.ppm.gz', () => gzipSync(pnm()), async (file) => checkImage(await readPnm(file))],
  ['069.xml', xml, readLidcAnnotations],
]

describe.each(kinds)('%s', (name, make, read) => {
  const attempt = (bytes: Uint8Array) => bounded(() => read(put(`bad-${name}`, bytes)))

  it('cut at 64 points is an error each time', async () => {
    const outcomes = new Set<string>()
    for (const bytes of truncations(await make())) outcomes.add(await attempt(bytes))
    expect([...outcomes]).not.toContain('done')
  })

  it('with 200 seeded mutations', async () => {
    const whole = await make()
    const random = new Random(51, name.length)
    const outcomes = new Set<string>()
    for (let round = 0; round < 200; round++) outcomes.add(await attempt(mutated(whole, random)))
    expect(outcomes.size).toBeGreaterThan(1)
  })
})

describe('bombs', () => {
  it('a packed PPM of a gigabyte of zeros', async () => {
    const member = gzipSync(Buffer.alloc(2 ** 24), { level: 1 })
    const bytes = Buffer.concat([gzipSync(Buffer.from('P5 9 9 255\n')), ...Array<Buffer>(64).fill(member)])
    expect(await bounded(() => readPnm(put('bomb.ppm.gz', bytes)))).toBe('picture-too-large')
  })

  it.each([
    'P5 0 9 255\n',
    'P5 60000 60000 255\n',
    'P5 -1 9 255\n',
    'P5 99999999999999999999 1 255\n',
    `P5${' '.repeat(5000)}`,
  ])('a PGM that begins with %j', async (head) => {
    expect(await bounded(() => readPnm(put('odd.pgm', Buffer.from(`${head}abc`))))).toMatch(/^picture-/)
  })

  it('a GIF screen of 65,535 x 65,535', async () => {
    const bytes = await gif()
    bytes.writeUInt16LE(65_535, 6)
    bytes.writeUInt16LE(65_535, 8)
    const file = put('wide.gif', bytes)
    const outcome = await bounded(async () => {
      const { shape } = await readGif(file)
      expect((await readGifHeader(file)).shape).toEqual(shape)
    })
    // The library goes by the frame inside of the screen, which has 24 x 18.
    expect(outcome).toMatch(/^(done|picture-broken)$/)
  })
})

describe('XML', () => {
  const attempt = (text: string) => bounded(() => readLidcAnnotations(put('bad.xml', Buffer.from(text))))

  it.each([
    ['10,000 nested elements', `${'<a>'.repeat(10_000)}${'</a>'.repeat(10_000)}`],
    ['elements never closed', '<LidcReadMessage><readingSession>'],
    [
      'entities that would grow to gigabytes',
      `<!DOCTYPE x [<!ENTITY a "${'b'.repeat(100)}"><!ENTITY c "${'&a;'.repeat(100)}">]><x>&c;</x>`,
    ],
    ['a file of this machine', '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><x>&a;</x>'],
    ['a comment never closed', `<x>${'<!-- '.repeat(20_000)}`],
    ['an attribute never closed', `<x ${'a="b" '.repeat(50_000)}`],
    ['a name of a megabyte', `<${'x'.repeat(2 ** 20)}`],
    ['nothing', ''],
  ])('%s', async (_, text) => {
    expect(await attempt(text)).toMatch(/^(xml-invalid|lidc-annotations)$/)
  })

  it('coordinates that are no numbers, infinite or far away', async () => {
    const outline = (x: string) =>
      `<LidcReadMessage><readingSession><unblindedReadNodule><noduleID>1</noduleID><roi><imageZposition>1</imageZposition><inclusion>TRUE</inclusion>${[0, 1, 2].map((k) => `<edgeMap><xCoord>${x}</xCoord><yCoord>${k}</yCoord></edgeMap>`).join('')}</roi></unblindedReadNodule></readingSession></LidcReadMessage>`
    for (const x of ['abc', '', '1e308', '-1e308', 'Infinity', 'NaN', '99999999999']) {
      expect(await attempt(outline(x))).toMatch(/^(done|lidc-annotations)$/)
    }
    const region = (x: string) =>
      `<Annotations><Region><Vertex X="${x}" Y="1"/><Vertex X="3" Y="${x}"/><Vertex X="2" Y="1e300"/></Region></Annotations>`
    for (const x of ['abc', '1e308', '-1e308', 'Infinity', '4']) {
      expect(await bounded(() => drawPolygons(put('far.xml', Buffer.from(region(x))), [1, 50, 60]))).toBe(
        'done',
      )
    }
  })
})
