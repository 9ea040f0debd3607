import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { silentReporter } from '@septum/core'
import { setThreads } from '@septum/torch'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { readPicture } from '../../formats/index.js'
import { tinyOptions } from '../../methods/ar-seg/testing.js'
import { type RunConfig, runConfigSchema } from '../api.js'
import { train } from '../train.js'
import { contactSheet } from './contact-sheet.js'
import type { RunStatus } from './status-file.js'

setThreads(1)

const example = fileURLToPath(new URL('../../../../../examples/lidc/', import.meta.url))

let out: string
beforeEach(() => {
  out = join(mkdtempSync(join(tmpdir(), 'septum-live-')), 'run')
})
afterEach(() => rmSync(join(out, '..'), { recursive: true }))

const configOf = (training: object, more: object = {}): RunConfig =>
  runConfigSchema.parse({
    method: 'unet',
    data: { path: example, imageSize: [32, 32] },
    seed: 3,
    threads: 1,
    training: { validateEvery: 2, logEvery: 1, validationCases: 24, ...training },
    options: { widths: [4, 8], batchSize: 2, steps: 4 },
    ...more,
  })
const run = (config: RunConfig, resume = false, signal = new AbortController().signal) =>
  train({ config, configText: stringify(config), out, resume, reporter: silentReporter, signal })
const status = (): RunStatus => JSON.parse(readFileSync(join(out, 'status.json'), 'utf8'))
const lines = () =>
  readFileSync(join(out, 'log.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

describe('a run that is followed', () => {
  it('says how it stands, and draws validation cases', async () => {
    await run(configOf({ pictures: 2 }))
    expect(status()).toMatchObject({
      state: 'finished',
      method: 'unet',
      pid: process.pid,
      phase: 'unet',
      step: 4,
      steps: 4,
      phases: [{ name: 'unet', steps: 4, batchSize: 2 }],
    })
    expect(lines().map(({ event, step }) => `${event} ${step}`)).toEqual([
      ...['step 1', 'step 2', 'validation 2', 'pictures 2', 'step 3', 'step 4', 'validation 4', 'pictures 4'],
    ])
    const drawn = lines().filter(({ event }) => event === 'pictures')
    expect(drawn[1]).toMatchObject({ file: 'pictures/unet-0000004.png', tile: [32, 32], classes: ['nodule'] })
    expect(drawn[0].cases).toEqual(drawn[1].cases)
    expect(drawn[0].cases).toHaveLength(2)
    // Two cases beside each other; image, reference and prediction below each other.
    const sheet = await readPicture(join(out, 'pictures/unet-0000004.png'))
    expect(sheet.shape).toEqual([1, 96, 64])
    const row = (at: number) => Array.from(sheet.data.subarray(at * 32 * 64, (at + 1) * 32 * 64))
    // Four raters: shares are quarters, 64, 128, 191 or 255 of 255.
    expect(new Set(row(1)).size).toBeGreaterThan(1)
    expect([0, 64, 128, 191, 255]).toEqual(expect.arrayContaining([...new Set(row(1))]))
    // Cases that a rater marked come first.
    expect(Math.max(...row(1).filter((_, i) => i % 64 < 32))).toBeGreaterThan(0)
    expect(Math.max(...row(1).filter((_, i) => i % 64 >= 32))).toBeGreaterThan(0)
  })

  it('draws nothing when none are wanted, and the same weights come out', async () => {
    await run(configOf({ pictures: 2 }))
    const weights = readFileSync(join(out, 'weights.safetensors'))
    rmSync(out, { recursive: true })
    await run(configOf({ pictures: 0 }))
    expect(existsSync(join(out, 'pictures'))).toBe(false)
    expect(readFileSync(join(out, 'weights.safetensors')).equals(weights)).toBe(true)
  })

  it('is interrupted, goes on and logs each picture once', async () => {
    const stop = new AbortController()
    stop.abort()
    const interrupted = await run(configOf({ pictures: 1 }), false, stop.signal)
    expect(interrupted.interrupted).toBe(true)
    expect(status()).toMatchObject({ state: 'interrupted', step: 0, secondsPerStep: null })
    await run(configOf({ pictures: 1 }), true)
    expect(status()).toMatchObject({ state: 'finished', step: 4 })
    expect(
      lines()
        .filter(({ event }) => event === 'pictures')
        .map(({ step }) => step),
    ).toEqual([2, 4])
  })

  it('shows the autoencoder of AR-Seg its masks, and the segmentor its predictions', async () => {
    const config = configOf(
      { pictures: 1, steps: { autoencoder: 2, segmentor: 2 } },
      {
        method: 'ar-seg',
        data: { path: example, imageSize: [16, 16] },
        options: tinyOptions({ normGroups: 2, batchSize: 2 }, { encoderNormGroups: 2, batchSize: 2 }),
      },
    )
    await run(config)
    const drawn = lines().filter(({ event }) => event === 'pictures')
    expect(drawn.map(({ phase, step }) => `${phase} ${step}`)).toEqual(['autoencoder 2', 'segmentor 4'])
    expect(status().phases.map(({ name }) => name)).toEqual(['autoencoder', 'segmentor'])
  })

  it('says why it failed', async () => {
    const config = configOf({}, { options: { widths: [4, 8], batchSize: 2, steps: 4, lr: 1e30 } })
    await expect(run(config)).rejects.toMatchObject({ code: 'loss-not-finite' })
    expect(status()).toMatchObject({ state: 'failed', error: { code: 'loss-not-finite' } })
  })
})

describe('contactSheet', () => {
  it('shrinks by means and stretches z-scores', () => {
    // 400 pixels wide: every third is kept as a mean, 134 x 1 tiles; the last column holds one pixel.
    const image = Float32Array.from({ length: 400 }, (_, x) => (x < 3 ? x : -1))
    const reference = Float32Array.from({ length: 400 }, (_, x) => (x === 399 || x === 0 ? 1 : 0))
    const { picture, tile } = contactSheet([
      { name: 'a', size: [1, 400], image: [image], classes: [{ reference, prediction: reference }] },
    ])
    expect(tile).toEqual([1, 134])
    expect(picture.shape).toEqual([1, 3, 134])
    // (0 + 1 + 2) / 3 = 1 in the range -1 .. 2: 2/3 of 255 = 170; elsewhere -1: 0.
    expect([...picture.data.subarray(0, 2)]).toEqual([170, 0])
    // A third of a marked pixel, and one alone.
    expect([picture.data[134], picture.data[134 + 133]]).toEqual([85, 255])
  })
})
