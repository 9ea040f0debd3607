import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { fromAffineRas, type MedicalImage } from '@septum/core'
import { afterAll, describe, expect, it } from 'vitest'
import { encodeNifti } from './nifti/index.js'
import { formatOf, readImage, readImageHeader, writeImage } from './registry.js'
import { problemOf, testFolder } from './volume/testing.js'
import { encodePng } from './write.js'

const { dir, put, remove } = testFolder('registry')
afterAll(remove)

const volume: MedicalImage = {
  data: Uint8Array.from({ length: 24 }, (_, at) => at),
  shape: [1, 2, 3, 4],
  geometry: fromAffineRas([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]),
  maxValue: 255,
}

describe('content decides, then the extension', () => {
  it('a PNG and a volume under wrong names', async () => {
    const png = await encodePng({ data: new Uint8Array([1, 2]), shape: [1, 1, 2] })
    expect([...(await readImage(put('picture.nii', png))).data]).toEqual([1, 2])
    expect([...(await readImage(put('volume.png', encodeNifti(volume)))).data]).toEqual([...volume.data])
    expect((await formatOf(put('packed', gzipSync(encodeNifti(volume))))).name).toBe('NIfTI')
  })

  it('a damaged volume is told by its extension, so that the error says what is wrong with it', async () => {
    const bytes = encodeNifti(volume)
    bytes.fill(0, 0, 4)
    const error = await problemOf(readImage(put('zeros.nii', bytes)))
    expect(error.code).toBe('volume-broken')
    expect(error.message).toContain('no NIfTI header')
  })

  it('a picture has a header too', async () => {
    const png = await encodePng({ data: new Uint16Array(6), shape: [1, 2, 3] })
    expect(await readImageHeader(put('deep.png', png))).toMatchObject({
      format: 'PNG',
      shape: [1, 2, 3],
      maxValue: 65535,
      sampleType: 'uint16',
    })
  })
})

it('refuses text, an empty file and a missing one', async () => {
  expect((await problemOf(readImage(put('list.txt', 'a list of words')))).code).toBe('image-format')
  expect((await problemOf(readImage(put('empty.nii', '')))).code).toBe('picture-empty')
  expect((await problemOf(readImage(join(dir, 'nowhere.nii')))).code).toBe('picture-missing')
})

it('keeps the limit on decoded samples for pictures and volumes', async () => {
  const png = await encodePng({ data: new Uint8Array(400), shape: [1, 20, 20] })
  expect((await problemOf(readImage(put('large.png', png), { maxBytes: 600 }))).code).toBe(
    'picture-too-large',
  )
  const file = put('large.nii', encodeNifti(volume))
  expect((await problemOf(readImage(file, { maxBytes: 23 }))).code).toBe('volume-too-large')
  expect((await readImage(file, { maxBytes: 24 })).data.length).toBe(24)
})

describe('writing', () => {
  it.each(['.nii', '.nii.gz', '.NRRD', '.mha', '.npy'])('%s comes back', async (extension) => {
    const file = join(dir, `written${extension}`)
    await writeImage(file, volume)
    const back = await readImage(file)
    expect([...back.data]).toEqual([...volume.data])
    expect(back.shape).toEqual(volume.shape)
  })

  it('pictures as PNG; floats and other extensions are refused', async () => {
    const picture = { data: new Uint8Array([5, 6]), shape: [1, 1, 2], maxValue: 255 }
    await writeImage(join(dir, 'out.png'), picture)
    expect([...(await readImage(join(dir, 'out.png'))).data]).toEqual([5, 6])
    const floats = { ...picture, data: new Float32Array(2) }
    expect((await problemOf(writeImage(join(dir, 'out.png'), floats))).code).toBe('picture-shape')
    expect((await problemOf(writeImage(join(dir, 'out.gif'), picture))).code).toBe('image-format')
    const nowhere = writeImage(join(dir, 'no', 'such.nii'), volume)
    expect((await problemOf(nowhere)).code).toBe('write-failed')
  })
})
