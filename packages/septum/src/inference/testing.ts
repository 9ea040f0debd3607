import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { BundleManifest, BundleModel, BundlePredictOptions } from '@septum/core'
import type { SegmentOptions } from './segment.js'

const at = (name: string) => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url))

/** Folders of the tiny bundles that `fixtures/make_bundles.py` makes. */
export const planeBundle = at('plane')
export const volumeBundle = at('volume')

interface Expected {
  readonly shape: number[]
  readonly values: number[]
  readonly sliding: number[]
  readonly whole?: number[]
}

export const expected = JSON.parse(readFileSync(at('expected.json'), 'utf8')) as Record<
  'picture' | 'small' | 'volume',
  Expected
>

export const plainOptions: SegmentOptions = {
  samples: 1,
  seed: 0,
  imageStream: 0,
  overlap: 0.5,
  window: 'trained',
  flips: [false, false, false],
  batch: 1,
  maps: true,
  cleaning: { keepLargest: [], least: {} },
}

const planeManifest = JSON.parse(readFileSync(at('plane/model.json'), 'utf8')) as BundleManifest

/**
 * A model that samples, without a graph: sample s of class c marks the pixels above (s + 1) / (samples + 1) + c / 100.
 * `calls` keeps what it was asked.
 */
export function samplingModel(
  size: readonly number[] = [8, 8],
): BundleModel & { calls: BundlePredictOptions[] } {
  const sampling = { samples: 3, temperature: [1], topK: null, topP: 1, guidance: 0 }
  const manifest = {
    ...planeManifest,
    size: { trained: size, fixed: true, multipleOf: 1 },
    model: { kind: 'next-scale', sampling },
  } as unknown as BundleManifest
  const calls: BundlePredictOptions[] = []
  return {
    manifest,
    calls,
    async predict(image, asked, options = {}) {
      calls.push(options)
      const samples = options.samples ?? 3
      const marks = new Float32Array(samples * 2 * image.length)
      for (let s = 0; s < samples; s++) {
        for (let c = 0; c < 2; c++) {
          image.forEach((value, i) => {
            marks[(s * 2 + c) * image.length + i] = value > (s + 1) / (samples + 1) + c / 100 ? 1 : 0
          })
        }
      }
      const map = { data: new Float32Array(2 * image.length), shape: [2, ...asked] }
      return { probabilities: map, uncertainty: map, samples: { data: marks, shape: [samples, 2, ...asked] } }
    },
    release: async () => {},
  }
}
