import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { checkImage, Random } from '@septum/core'
import { afterAll, describe, expect, it } from 'vitest'
import { readDicom, readDicomSeg, writeDicomSeg } from '../dicom/index.js'
import { encodeNifti } from '../nifti/index.js'
import { readImage, readImageHeader } from '../registry.js'
import { bounded, mutated, testFolder, truncations } from './testing.js'

const { dir, put, remove } = testFolder('detached')
afterAll(remove)
const sub = join(dir, 'data')
mkdirSync(sub)
const inSub = (name: string, content: Uint8Array | string) => put(join('data', name), content)

const samples = Int16Array.from({ length: 5 * 6 * 7 }, (_, i) => (i * 37) % 1000)
const raw = Buffer.from(samples.buffer)
const plane = (z: number) => raw.subarray(z * 84, (z + 1) * 84)

/** Headers whose samples lie in other files: header, and all files by name. */
const kinds: Readonly<
  Record<string, () => readonly [header: string, parts: Readonly<Record<string, Buffer>>]>
> = {
  'Analyze pair': () => {
    const whole = encodeNifti({ data: samples, shape: [1, 5, 6, 7], maxValue: 1 })
    const header = Buffer.from(whole.subarray(0, 348))
    header.write('ni1\0', 344, 'latin1')
    header.writeFloatLE(0, 108)
    return ['pair.hdr', { 'pair.hdr': header, 'pair.img': raw }]
  },
  'packed Analyze pair': () => {
    const [, { 'pair.hdr': header }] = kinds['Analyze pair']!()
    return ['packed.hdr', { 'packed.hdr': header!, 'packed.img.gz': gzipSync(raw) }]
  },
  'detached NRRD': () => [
    'one.nhdr',
    {
      'one.nhdr': Buffer.from(
        'NRRD0004\ntype: short\ndimension: 3\nsizes: 7 6 5\nendian: little\nencoding: raw\ndata file: one.raw\n',
      ),
      'one.raw': raw,
    },
  ],
  'NRRD of numbered files': () => [
    'many.nhdr',
    {
      'many.nhdr': Buffer.from(
        'NRRD0004\ntype: short\ndimension: 3\nsizes: 7 6 5\nendian: little\nencoding: raw\ndata file: part%d.raw 0 4 1\n',
      ),
      ...Object.fromEntries(Array.from({ length: 5 }, (_, z) => [`part${z}.raw`, plane(z)])),
    },
  ],
  'detached MetaImage': () => [
    'one.mhd',
    {
      'one.mhd': Buffer.from(
        'ObjectType = Image\nNDims = 3\nDimSize = 7 6 5\nElementType = MET_SHORT\nElementDataFile = one.raw\n',
      ),
      'one.raw': raw,
    },
  ],
}

describe.each(Object.entries(kinds))('%s', (name, make) => {
  const [header, parts] = make()
  const attempt = (changed: Readonly<Record<string, Uint8Array>>) =>
    bounded(async () => {
      for (const [file, content] of Object.entries({ ...parts, ...changed })) inSub(file, content)
      const path = join(sub, header)
      const before = await readImageHeader(path)
      const image = checkImage(await readImage(path))
      expect(before.shape).toEqual(image.shape)
    })

  it('is read whole', async () => {
    expect(await attempt({})).toBe('done')
    expect([...(await readImage(join(sub, header))).data]).toEqual([...samples])
  })

  it('with the header or the samples cut at 64 points', async () => {
    for (const [file, content] of Object.entries(parts)) {
      const last = file === header ? /\.hdr$/.test(file) : true
      for (const bytes of truncations(content)) {
        const outcome = await attempt({ [file]: bytes })
        // A text header may end behind its last word.
        if (last) expect(outcome, `${file} ${bytes.length}`).not.toBe('done')
      }
    }
  })

  it('with 150 seeded mutations of header and samples', async () => {
    const random = new Random(61, name.length)
    const files = Object.keys(parts)
    const outcomes = new Set<string>()
    for (let round = 0; round < 150; round++) {
      const file = round % 2 === 0 ? header : files[random.int(files.length)]!
      outcomes.add(await attempt({ [file]: mutated(parts[file]!, random) }))
    }
    expect(outcomes.size).toBeGreaterThan(1)
  })
})

describe('a header that names samples elsewhere', () => {
  const secret = put('secret.raw', raw)
  it.each(['../secret.raw', 'data/../../secret.raw', secret, '..\\secret.raw', '/etc/hostname', '/dev/zero'])(
    '%s',
    async (target) => {
      const nrrd = `NRRD0004\ntype: short\ndimension: 3\nsizes: 7 6 5\nendian: little\nencoding: raw\ndata file: ${target}\n`
      const mhd = `NDims = 3\nDimSize = 7 6 5\nElementType = MET_SHORT\nElementDataFile = ${target}\n`
      expect(await bounded(() => readImage(inSub('bad.nhdr', nrrd)))).not.toBe('done')
      expect(await bounded(() => readImage(inSub('bad.mhd', mhd)))).not.toBe('done')
    },
  )
})

describe('DICOM in a zip, and segmentations', () => {
  const fixture = (name: string) => new URL(`../dicom/fixtures/${name}`, import.meta.url)

  it('archives with 120 seeded mutations', async () => {
    const whole = readFileSync(fixture('series.zip'))
    const random = new Random(71)
    const outcomes = new Set<string>()
    for (let round = 0; round < 120; round++) {
      const bytes = mutated(whole, random)
      // The directory at the end says where everything lies: half of the hits go there.
      if (round % 2) bytes[bytes.length - 1 - random.int(Math.min(400, bytes.length))] = random.int(256)
      outcomes.add(await bounded(async () => checkImage(await readDicom(put('bad.zip', bytes)))))
    }
    expect(outcomes.size).toBeGreaterThan(1)
  })

  it('segmentations with 150 seeded mutations', async () => {
    const file = join(dir, 'seg.dcm')
    await writeDicomSeg(
      file,
      { data: new Uint8Array(120).fill(1), shape: [1, 12, 10], maxValue: 1 },
      { source: fixture('explicit.dcm').pathname, segments: [{ label: 'liver' }] },
    )
    const whole = readFileSync(file)
    const random = new Random(72)
    const outcomes = new Set<string>()
    for (let round = 0; round < 150; round++) {
      const bytes = Buffer.from(whole)
      for (let hit = 0; hit <= round % 5; hit++) bytes[132 + random.int(bytes.length - 132)] = random.int(256)
      writeFileSync(file, bytes)
      outcomes.add(await bounded(async () => checkImage((await readDicomSeg(file)).masks)))
    }
    expect(outcomes.size).toBeGreaterThan(1)
  })
})

describe('archives of arrays', () => {
  it('names that lead outside are names and nothing else: no file appears', async () => {
    const { zipSync } = await import('fflate')
    const npy = Buffer.from(
      (
        JSON.parse(readFileSync(new URL('../numpy/fixtures/arrays.json', import.meta.url), 'utf8')) as {
          archive: Record<string, string>
        }
      ).archive.stored!,
      'base64',
    )
    const bytes = zipSync({ '../outside.npy': npy, '/etc/outside.npy': npy })
    expect(await bounded(() => readImage(put('path.npz', bytes)))).not.toBe('done')
  })
})
