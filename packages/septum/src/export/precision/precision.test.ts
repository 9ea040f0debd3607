import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Random } from '@septum/core'
import { describe, expect, it } from 'vitest'
import { int, ints, OnnxGraph } from '../onnx/graph.js'
import { serialize } from '../onnx/serialize.js'
import { halfOf, halveWeights } from './half.js'
import { quantizedTensors, weightedLayers } from './layers.js'
import { activationScale, quantize, quantizeWeights } from './quantize.js'
import { Histogram } from './ranges.js'

const python = '/usr/bin/python3'
const hasOnnx = spawnSync(python, ['-c', 'import onnx']).status === 0

interface Halves {
  readonly values: readonly number[]
  readonly bits: readonly number[]
}

describe('numbers of 16 bits', () => {
  it('are those of NumPy: rounding, ties, subnormals, overflow', () => {
    const { values, bits } = JSON.parse(
      readFileSync(new URL('./fixtures/half.json', import.meta.url), 'utf8'),
    ) as Halves
    expect(values.map((value) => halfOf(Object.is(value, 0) && 1 / value < 0 ? -0 : value))).toEqual(bits)
  })
})

describe('scales', () => {
  it('of activations hold zero exactly', () => {
    // (2 - -0.55) / 255 = 0.01; zero lies 0.55 / 0.01 = 55 steps from the low end.
    expect(activationScale({ low: -0.55, high: 2 })).toEqual({
      scale: Math.fround(2.55 / 255),
      zeroPoint: 55,
    })
    expect(activationScale({ low: 0, high: 0 })).toEqual({ scale: 1, zeroPoint: 0 })
  })

  it('of weights belong to output channels', () => {
    // Largest 6.3 and 0.63 in 63 steps: 0.1 and 0.01.
    const { data, scales } = quantizeWeights(Float32Array.of(6.3, -3.1, 0.63, 0.05), [2, 2, 1, 1], 0)
    expect([...data]).toEqual([63, -31, 63, 5])
    expect(scales[0]).toBeCloseTo(0.1, 6)
    expect(scales[1]).toBeCloseTo(0.01, 6)
    // The same as a matrix [in, out]: columns 6.3, 0.63 and -3.1, 0.05.
    const product = quantizeWeights(Float32Array.of(6.3, -3.1, 0.63, 0.05), [2, 2], 1)
    expect([...product.data]).toEqual([63, -63, 6, 1])
  })

  it('grow where a bias would not fit 32 bits', () => {
    const { scales } = quantizeWeights(Float32Array.of(1e-9), [1, 1, 1, 1], 0, [0.5])
    expect([...scales]).toEqual([0.5])
  })
})

describe('ranges', () => {
  const random = new Random(4)
  const values = Float32Array.from({ length: 100_000 }, () => random.normal())
  values[7] = 1000
  const histogram = new Histogram()
  histogram.widen(values)
  histogram.count(values)

  it('reach from end to end, or leave outliers out', () => {
    expect(histogram.range('minmax').high).toBe(1000)
    // One of 100,000 is cut (half of 0.01 % is 5 values): of the bins of a width of 0.49 the next is below 5.
    expect(histogram.range('percentile').high).toBeLessThan(5)
    expect(histogram.range('percentile').low).toBeLessThan(-3)
    const entropy = histogram.range('entropy')
    expect(entropy.high).toBeLessThan(1000)
    expect(entropy.high).toBeGreaterThan(3)
  })

  it('hold zero', () => {
    const positive = new Histogram()
    positive.widen([3, 5])
    expect(positive.range('minmax')).toEqual({ low: 0, high: 5 })
  })
})

/** images -> conv 3x3 -> relu -> max pool -> conv 1x1 -> relu -> conv 1x1 -> logits */
function network(): OnnxGraph {
  const graph = new OnnxGraph('test')
  const random = new Random(1)
  const weights = (name: string, shape: number[]) =>
    graph.initializer(name, {
      type: 'float32',
      shape,
      data: new Uint8Array(
        Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()).buffer,
      ),
    })
  const shape = ['n', 2, 'h', 'w']
  graph.inputs.push({ name: 'images', type: 'float32', shape })
  graph.outputs.push({ name: 'logits', type: 'float32', shape: ['n', 1, 'y', 'x'] })
  const node = (op: string, inputs: string[], output: string, path: string, attributes = {}) =>
    graph.nodes.push({ op, inputs, outputs: [output], attributes, path })
  const plain = { kernel_shape: ints([1, 1]), group: int(1) }
  node('Conv', ['images', weights('a.w', [8, 2, 3, 3]), weights('a.b', [8])], 'c1', 'a', {
    kernel_shape: ints([3, 3]),
    pads: ints([1, 1, 1, 1]),
  })
  node('Relu', ['c1'], 'r1', 'a')
  node('MaxPool', ['r1'], 'p1', '', { kernel_shape: ints([2, 2]), strides: ints([2, 2]) })
  node('Conv', ['p1', weights('b.w', [40, 8, 1, 1]), weights('b.b', [40])], 'c2', 'b', plain)
  node('Relu', ['c2'], 'r2', 'b')
  node('Conv', ['r2', weights('head.w', [1, 40, 1, 1])], 'logits', 'head', plain)
  return graph
}

const input = () => {
  const random = new Random(2)
  return Float32Array.from({ length: 2 * 2 * 8 * 8 }, () => random.uniform())
}

type Factory = {
  InferenceSession: typeof import('onnxruntime-common')['InferenceSession']
  Tensor: typeof import('onnxruntime-common')['Tensor']
}

async function run({ InferenceSession, Tensor }: Factory, graph: OnnxGraph): Promise<Float32Array> {
  const session = await InferenceSession.create(serialize(graph, '0'))
  const { logits } = await session.run({ images: new Tensor('float32', input(), [2, 2, 8, 8]) })
  await session.release()
  return logits!.data as Float32Array
}

const runtimes: readonly [string, () => Promise<Factory>][] = [
  ['node', () => import('onnxruntime-node') as unknown as Promise<Factory>],
  [
    'web',
    async () => {
      const web = await import('onnxruntime-web')
      web.env.wasm.numThreads = 1
      return web as unknown as Factory
    },
  ],
]

function inEightBits(): OnnxGraph {
  const graph = network()
  const layers = weightedLayers(graph)
  const { names } = quantizedTensors(graph, layers)
  // Wide enough for normal weights of 18 and 8 terms, whose standard deviations are below 5 and 20.
  const wide = { images: [0, 1], r1: [0, 12], r2: [0, 80] } as Record<string, [number, number]>
  const ranges = new Map(
    [...names]
      .filter((name) => wide[name])
      .map((name) => [name, { low: wide[name]![0], high: wide[name]![1] }]),
  )
  quantize(graph, layers, ranges)
  return graph
}

describe('layers of 8 bits', () => {
  it('are the convolutions but the last, with what lies between them', () => {
    const graph = network()
    const layers = weightedLayers(graph)
    expect(layers.map(({ name, input: from, output }) => [name, from, output])).toEqual([
      ['a', 'images', 'r1'],
      ['b', 'p1', 'r2'],
    ])
    const { names, shares } = quantizedTensors(graph, layers)
    expect([...names].sort()).toEqual(['images', 'p1', 'r1', 'r2'])
    expect([...shares]).toEqual([['p1', 'r1']])
  })

  it.each(runtimes)(
    'give nearly the same on onnxruntime-%s, with what 16 bits give nearer still',
    async (_name, load) => {
      const runtime = await load()
      const [single, eight] = [await run(runtime, network()), await run(runtime, inEightBits())]
      const half = network()
      // Only the middle convolution has 256 weights or more.
      expect(halveWeights(half)).toBe(1)
      const sixteen = await run(runtime, half)
      const scale = Math.sqrt(single.reduce((sum, x) => sum + x * x, 0) / single.length)
      const apart = (other: Float32Array) =>
        Math.sqrt(single.reduce((sum, x, i) => sum + (x - other[i]!) ** 2, 0) / single.length) / scale
      expect(apart(eight)).toBeGreaterThan(1e-4)
      expect(apart(eight)).toBeLessThan(0.05)
      expect(apart(sixteen)).toBeGreaterThan(0)
      expect(apart(sixteen)).toBeLessThan(1e-3)
    },
  )

  it('have whole numbers in the file', () => {
    const types = [...inEightBits().initializers].map(([name, { type }]) => `${name}: ${type}`)
    expect(types).toContain('a.w.int8: int8')
    expect(types).toContain('a.b.int32: int32')
    expect(types).toContain('head.w: float32')
    expect(types).not.toContain('a.w: float32')
  })

  it.skipIf(!hasOnnx)('make graphs that onnx.checker accepts', () => {
    const half = network()
    halveWeights(half)
    for (const graph of [inEightBits(), half]) {
      const script =
        'import sys, onnx; onnx.checker.check_model(onnx.load_model_from_string(sys.stdin.buffer.read()), full_check=True)'
      const { status, stderr } = spawnSync(python, ['-c', script], { input: serialize(graph, '0') })
      expect([status, String(stderr)]).toEqual([0, ''])
    }
  })
})
