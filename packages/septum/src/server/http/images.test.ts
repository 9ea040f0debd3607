import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { testApp } from '../testing/app.js'
import { imagesSchema } from './schemas.js'

let root: string
let data: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'septum-images-'))
  data = join(root, 'data')
  mkdirSync(join(data, 'ct/.cache'), { recursive: true })
  writeFileSync(join(root, 'outside.png'), 'outside')
  writeFileSync(join(data, 'b.png'), 'picture')
  writeFileSync(join(data, 'a.nii.gz'), 'volume')
  writeFileSync(join(data, 'ct/case 7.nii'), 'second')
  writeFileSync(join(data, 'ct/names.csv'), 'patients')
  writeFileSync(join(data, 'ct/.cache/hidden.png'), 'hidden')
  symlinkSync(join(root, 'outside.png'), join(data, 'ct/link.png'))
  symlinkSync(join(data, 'ct/names.csv'), join(data, 'ct/names.png'))
})
afterEach(() => rmSync(root, { recursive: true }))

const ask = (path: string, folder: string | undefined = data) =>
  testApp(folder ? { data: folder } : {}).request(path, { headers: { host: 'localhost' } })

it('lists the images of the data folder and nothing else of it', async () => {
  const { images } = imagesSchema.parse(await (await ask('/v1/images')).json())
  expect(images).toEqual([
    { reference: 'a.nii.gz', bytes: 6 },
    { reference: 'b.png', bytes: 7 },
    { reference: 'ct/case 7.nii', bytes: 6 },
  ])
})

it('lists nothing without a data folder', async () => {
  const response = await testApp().request('/v1/images', { headers: { host: 'localhost' } })
  expect(await response.json()).toEqual({ images: [] })
})

it('gives an image', async () => {
  const response = await ask('/v1/images/ct/case%207.nii')
  expect([response.status, await response.text()]).toEqual([200, 'second'])
  expect(response.headers.get('cache-control')).toBe('no-store')
})

it.each([
  ['another kind of file', 'ct/names.csv'],
  ['a hidden one', 'ct/.cache/hidden.png'],
  ['a link that leaves the folder', 'ct/link.png'],
  ['a link to another kind of file', 'ct/names.png'],
  ['a path that leaves the folder', '..%2foutside.png'],
  ['what is not there', 'ct/none.png'],
])('refuses %s', async (_, reference) => {
  expect((await ask(`/v1/images/${reference}`)).status).toBe(404)
})
