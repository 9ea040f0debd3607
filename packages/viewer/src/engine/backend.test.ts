import type { BundleManifest, BundleModel } from '@septum/core'
import { describe, expect, it } from 'vitest'
import { chooseBackend, judge, TOLERANCE, type Trial, trialImage, type WebGpu } from './backend.js'

const trial = (seconds: number, probabilities: readonly number[], tokens?: number[][]): Trial => ({
  seconds,
  prediction: {
    probabilities: { data: Float32Array.from(probabilities), shape: [probabilities.length] },
    ...(tokens && { tokens: [tokens.map((drawn) => Int32Array.from(drawn))] }),
  },
})
const wasm = trial(
  1,
  [0.25, 0.5],
  [
    [1, 2],
    [3, 4],
  ],
)

describe('judge', () => {
  it.each([
    [
      'equal and faster',
      trial(
        0.5,
        [0.25, 0.5],
        [
          [1, 2],
          [3, 4],
        ],
      ),
      'webgpu',
      /passed.*500 ms against 1\.0 s/,
    ],
    [
      'a rounding apart',
      trial(
        0.5,
        [0.25, 0.5 + TOLERANCE / 2],
        [
          [1, 2],
          [3, 4],
        ],
      ),
      'webgpu',
      /passed/,
    ],
    [
      'more apart',
      trial(
        0.5,
        [0.25, 0.5 + 2 * TOLERANCE],
        [
          [1, 2],
          [3, 4],
        ],
      ),
      'wasm',
      /other probabilities.*0\.0020/,
    ],
    [
      'no number',
      trial(
        0.5,
        [0.25, Number.NaN],
        [
          [1, 2],
          [3, 4],
        ],
      ),
      'wasm',
      /other probabilities/,
    ],
    [
      'fewer values',
      trial(
        0.5,
        [0.25],
        [
          [1, 2],
          [3, 4],
        ],
      ),
      'wasm',
      /other probabilities/,
    ],
    [
      'one other token',
      trial(
        0.5,
        [0.25, 0.5],
        [
          [1, 2],
          [3, 5],
        ],
      ),
      'wasm',
      /other masks from the same seed/,
    ],
    [
      'not faster',
      trial(
        0.95,
        [0.25, 0.5],
        [
          [1, 2],
          [3, 4],
        ],
      ),
      'wasm',
      /not faster here: 950 ms/,
    ],
  ] as const)('%s', (_, webgpu, backend, reason) => {
    const report = judge(wasm, webgpu)
    expect(report.backend).toBe(backend)
    expect(report.reason).toMatch(reason)
  })

  it('of a model of one mask compares its probabilities', () => {
    expect(judge(trial(1, [0.5]), trial(0.1, [0.5])).backend).toBe('webgpu')
  })
})

describe('chooseBackend', () => {
  let clock = 0
  /** A model whose every run takes its time; it counts releases. */
  function fake(seconds: number, value: number, released: string[] = []): BundleModel {
    return {
      manifest: { channels: 1, size: { trained: [8, 8] } } as unknown as BundleManifest,
      async predict() {
        clock += seconds
        const map = { data: Float32Array.of(value), shape: [1] }
        return { probabilities: map, uncertainty: map, samples: map }
      },
      async release() {
        released.push('released')
      },
    }
  }
  const gpu = (found: string | null | Error, failure: string): WebGpu => ({
    adapter: () => (found instanceof Error ? Promise.reject(found) : Promise.resolve(found)),
    open: () => Promise.reject(new Error(failure)),
  })
  const choose = (webgpu: WebGpu) => chooseBackend(fake(1, 0.5), webgpu, undefined, () => clock)

  it('uses WebGPU where it passes', async () => {
    const { report, model } = await choose({
      adapter: async () => 'Adapter: x.',
      open: async () => fake(0.1, 0.5),
    })
    expect(report.backend).toBe('webgpu')
    expect(report.reason).toMatch(/Adapter: x\.$/)
    expect(model).toBeDefined()
  })

  it('releases what did not pass', async () => {
    const released: string[] = []
    const { report, model } = await choose({
      adapter: async () => '',
      open: async () => fake(0.1, 0.9, released),
    })
    expect([report.backend, model, released]).toEqual(['wasm', undefined, ['released']])
  })

  it.each([
    ['no adapter', gpu(null, 'not asked'), /no graphics adapter/],
    ['an adapter that throws', gpu(new Error('lost'), 'not asked'), /\(lost\)/],
    ['a runtime that does not load', gpu('', '404'), /does not run this model here \(404\)/],
  ] as const)('stays with WebAssembly: %s', async (_, webgpu, reason) => {
    const { report, model } = await choose(webgpu)
    expect([report.backend, model]).toEqual(['wasm', undefined])
    expect(report.reason).toMatch(reason)
  })

  it('stays with WebAssembly when a run fails', async () => {
    const broken = { ...fake(0.1, 0.5), predict: () => Promise.reject(new Error('device lost\nat 1')) }
    const { report } = await choose({ adapter: async () => '', open: async () => broken })
    expect(report).toEqual({ backend: 'wasm', reason: 'WebGPU does not run this model here (device lost).' })
  })
})

it('the trial image is the same every time, with values of an image', () => {
  const image = trialImage(2, [3, 16, 16])
  expect(image).toHaveLength(2 * 3 * 256)
  expect(image).toEqual(trialImage(2, [3, 16, 16]))
  expect(Math.min(...image)).toBeGreaterThanOrEqual(0)
  expect(Math.max(...image)).toBeLessThanOrEqual(1)
  // The centre of a slice lies in the disc, its corner does not.
  expect(image[8 * 16 + 8]!).toBeGreaterThan(0.5)
  expect(image[0]!).toBeLessThan(0.5)
})
