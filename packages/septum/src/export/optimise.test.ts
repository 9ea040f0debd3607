import { Random } from '@septum/core'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { expect, it } from 'vitest'
import { type Attribute, int, ints, OnnxGraph, text } from './onnx/graph.js'
import { serialize } from './onnx/serialize.js'
import { optimise, phaseWeights } from './optimise.js'

const random = new Random(3)
const normal = (count: number) => Float32Array.from({ length: count }, () => random.normal())

/** images -> conv, relu -> doubled -> conv (relu) -> joined with a skip -> conv */
function network(relu: boolean, bias: boolean, channels: number): OnnxGraph {
  const graph = new OnnxGraph('test')
  const weights = (name: string, shape: readonly number[]) => {
    const data = new Uint8Array(normal(shape.reduce((a, b) => a * b, 1)).buffer)
    return graph.initializer(name, { type: 'float32', shape, data })
  }
  const node = (op: string, inputs: string[], output: string, attributes: Record<string, Attribute> = {}) => {
    graph.nodes.push({ op, inputs, outputs: [output], attributes, path: output })
    return output
  }
  const same = { kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 1]), strides: ints([1, 1]), group: int(1) }
  const conv = (from: string, name: string, inputs: number, outputs: number) =>
    node(
      'Conv',
      [
        from,
        weights(`${name}.w`, [outputs, inputs, 3, 3]),
        ...(bias ? [weights(`${name}.b`, [outputs])] : []),
      ],
      name,
      same,
    )
  graph.inputs.push({ name: 'images', type: 'float32', shape: ['n', 2, 'h', 'w'] })
  graph.outputs.push({ name: 'logits', type: 'float32', shape: ['n', 3, 'y', 'x'] })
  const scales = graph.floats([1, 1, 2, 2], [4], 'scales')
  const nearest = {
    mode: text('nearest'),
    coordinate_transformation_mode: text('asymmetric'),
    nearest_mode: text('floor'),
  }
  const skip = node('Relu', [conv('images', 'first', 2, channels)], 'skip')
  const small = node('MaxPool', [skip], 'small', { kernel_shape: ints([2, 2]), strides: ints([2, 2]) })
  const up = conv(node('Resize', [small, '', scales], 'up', nearest), 'after', channels, channels)
  const joined = node('Concat', [skip, relu ? node('Relu', [up], 'positive') : up], 'joined', {
    axis: int(1),
  })
  conv(joined, 'logits', 2 * channels, 3)
  return graph
}

async function run(graph: OnnxGraph, size: readonly number[]): Promise<Float32Array> {
  const session = await InferenceSession.create(serialize(graph, '0'))
  const data = Float32Array.from({ length: size.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i))
  const { logits } = await session.run({ images: new Tensor('float32', data, size) })
  await session.release()
  return logits!.data as Float32Array
}

it.each([
  [true, true, 16],
  [false, true, 16],
  [true, false, 16],
  [true, true, 5],
])('gives the same numbers (relu %s, bias %s, %i channels)', async (relu, bias, channels) => {
  const graph = network(relu, bias, channels)
  const fast = optimise(graph)
  const ops = fast.nodes.map(({ op }) => op)
  expect(ops).not.toContain('Resize')
  expect(ops.includes('Concat') && ops.includes('Add')).toBe(channels === 16)
  // The graph that was given stays as it is.
  expect(graph.nodes.map(({ op }) => op)).toContain('Resize')
  for (const size of [
    [1, 2, 8, 12],
    [3, 2, 14, 2],
  ]) {
    const [plain, other] = [await run(graph, size), await run(fast, size)]
    expect(other.length).toBe(plain.length)
    // Sums of some hundred numbers in another order, relative to the largest of them.
    const largest = plain.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    for (const [i, value] of plain.entries()) expect(Math.abs(other[i]! - value) / largest).toBeLessThan(1e-5)
  }
})

it('sums the taps that see one sample', () => {
  // Filter 1 .. 9 by rows. A sample at an even place sees the one before it by the first tap and itself by the other two;
  // one at an odd place sees itself by the first two and the next by the last. Odd column and row come first, even ones last.
  const all = [...phaseWeights(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9), 1, 1)]
  expect(all.slice(12)).toEqual([1, 2 + 3, 4 + 7, 5 + 6 + 8 + 9])
  expect(all.slice(0, 4)).toEqual([1 + 2 + 4 + 5, 3 + 6, 7 + 8, 9])
})
