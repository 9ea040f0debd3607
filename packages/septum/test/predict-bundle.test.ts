import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { septumHere } from './run-here.js'
import { madeUpData, removeFolder, temporaryFolder, tinyTraining } from './tiny-run.js'

let folder: string
const at = (...names: readonly string[]): string => join(folder, ...names)

beforeAll(async () => {
  folder = temporaryFolder()
  // Larger than the 16 x 16 that the network sees, of odd height.
  const data = await madeUpData(at('data'), { cases: 12, size: [21, 24] })
  const trained = await septumHere(tinyTraining(data, at('run'), '--set', 'data.splits=null'))
  expect(trained.stderr).not.toContain('error')
  const exported = await septumHere(['export', at('run'), '--threads', '1'])
  expect(exported.code, exported.stderr).toBe(0)
}, 120_000)
afterAll(() => removeFolder(folder))

const pictures = (dir: string) =>
  Object.fromEntries(
    readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.png'))
      .map((entry) => join(entry.parentPath, entry.name))
      .map((file) => [file.slice(dir.length + 1), readFileSync(file, 'base64')]),
  )

describe('a run and its bundle', () => {
  const common = ['--samples', '3', '--seed', '5', '--threads', '1', '--quiet']

  it('give the same masks, hypotheses and maps, byte for byte', async () => {
    const run = await septumHere(['predict', at('run'), at('data/images'), '--out', at('torch'), ...common])
    const own = ['--window', 'centre', '--out', at('onnx'), ...common]
    const bundle = await septumHere(['predict', at('run/model'), at('data/images'), ...own])
    expect([run.code, bundle.code], bundle.stderr).toEqual([0, 0])
    const masks = pictures(at('torch'))
    // 12 images: a mask, two maps and three hypotheses each.
    expect(Object.keys(masks).length).toBe(12 * 6)
    expect(pictures(at('onnx'))).toEqual(masks)
  })

  it('--engine onnx takes the bundle of the run; a figure of each image; the exit code tells of failures', async () => {
    const preview = ['--engine', 'onnx', '--preview', '--window', 'centre', '--out', at('again'), ...common]
    const { code, stderr } = await septumHere(['predict', at('run'), at('data/images'), ...preview])
    expect(code, stderr).toBe(0)
    expect(readdirSync(at('again/preview')).length).toBe(12)
    const missing = await septumHere(['predict', at('run/model'), at('run/config.yaml'), '--out', at('none')])
    expect([missing.code, missing.stdout]).toEqual([1, expect.stringContaining('1 could not be segmented')])
  })

  it.each([
    [['run', '--overlap', '0.2'], 'option for bundles'],
    [['run/model', '--split', 'test'], 'knows no data set'],
    [['run/model', '--device', 'cuda'], 'on the CPU'],
    [['run/model', '--least-size', 'many'], 'is not understood'],
  ])('%o is refused: %s', async ([model, ...options], message) => {
    const split = options.includes('--split') ? [] : [at('data/images')]
    const { code, stderr } = await septumHere([
      'predict',
      at(model!),
      ...split,
      '--out',
      at('no'),
      ...options,
    ])
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)])
  })
})
