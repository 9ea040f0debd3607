import type { InferenceSession } from 'onnxruntime-common'
import { Tensor } from 'onnxruntime-common'
import type { BundleManifest } from './manifest.js'
import type { SessionFactory } from './session.js'

/** A manifest of one small graph, `graph` bytes long. */
export const maskManifest = (sha256: string, bytes: number): BundleManifest => ({
  format: 'septum-bundle',
  version: 1,
  septum: '0.1.0',
  method: { name: 'unet', title: 'U-Net', paper: 'a paper', options: {}, parameters: 10 },
  dimensions: 2,
  classes: [
    { name: 'disc', label: 1, colour: '#009e73' },
    { name: 'cup', label: 2, colour: '#e69f00' },
  ],
  channels: 1,
  size: { trained: [4, 4], fixed: false, multipleOf: 4 },
  preprocessing: {
    channels: [{ kind: 'scale' }],
    spacingMm: null,
    interpolation: 'linear',
    maxValue: null,
    fit: 'crop',
  },
  model: {
    kind: 'mask',
    output: 'sigmoid',
    graphs: {
      model: {
        file: 'model.onnx',
        opset: 17,
        inputs: [{ name: 'images', type: 'float32', shape: ['batch', 1, 'height', 'width'] }],
        outputs: [{ name: 'logits', type: 'float32', shape: ['batch', 2, 'height', 'width'] }],
      },
    },
  },
  training: {
    dataset: 'eyes',
    licence: null,
    source: null,
    citation: [],
    raters: 1,
    seed: 0,
    seconds: null,
    fingerprint: null,
    cases: null,
  },
  metrics: {},
  licence: null,
  verification: { engine: 'test', images: 1, maxDifference: 1e-6, tolerance: 1e-4 },
  files: [{ file: 'model.onnx', bytes, sha256 }],
  notice: 'Research use only.',
})

/** A runtime whose graph gives x and -x for every pixel x, and notes the shapes that it is given. */
export function mirrorRuntime(seen: number[][] = []): SessionFactory {
  const session = {
    inputNames: ['images'],
    outputNames: ['logits'],
    async run({ images }: { images: Tensor }) {
      const [n, , ...size] = images.dims as [number, number, ...number[]]
      seen.push([...images.dims])
      const pixels = size.reduce((a, b) => a * b, 1)
      const x = images.data as Float32Array
      const out = new Float32Array(2 * x.length)
      for (let i = 0; i < x.length; i++) {
        const at = Math.floor(i / pixels) * 2 * pixels + (i % pixels)
        out[at] = x[i]!
        out[at + pixels] = -x[i]!
      }
      return { logits: new Tensor('float32', out, [n, 2, ...size]) }
    },
    async release() {},
  }
  return { Tensor, create: async () => session as unknown as InferenceSession }
}
