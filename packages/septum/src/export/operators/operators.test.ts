import {
  cat,
  einsum,
  F,
  manualSeed,
  nn,
  rand,
  scope,
  setThreads,
  stack,
  type Tensor,
  tensor,
  where,
} from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { OnnxExporter } from '../exporter.js'
import { nodeSessions } from '../node-runtime.js'
import { record } from '../record.js'
import { rules } from './index.js'

setThreads(1)

/** A model without parts: what it does stands in `run`. */
class Probe extends nn.Module {}

/** [batch, 6, height, width] around 0. */
type Run = (x: Tensor, y: Tensor) => Tensor

manualSeed(5)
const kernel = rand([4, 6, 3, 3]).sub(0.5)
const grouped = rand([6, 2, 3, 3]).sub(0.5)
const upward = rand([6, 2, 3, 3]).sub(0.5)
const bias = rand([4])
const [scale, shift, mean, variance] = [rand([6]), rand([6]), rand([6]), rand([6]).add(0.5)] as const
const matrix = rand([6, 5]).sub(0.5)
const square = rand([6, 6]).sub(0.5)
const signed = (x: Tensor) => x.sub(0.5).mul(6)
const rows = (x: Tensor) => x.flatten(2).transpose(1, 2) // [N, HW, 6]
const pooled = (x: Tensor) => F.adaptiveAvgPool2d(x, 1).flatten(1) // [N, 6]
const float = (x: Tensor) => x.float()
const index = tensor([4, 0, 2], { dtype: 'int64' })

/** Any size: recorded at two sizes, compared at a third. */
const dynamic: Record<string, Run> = {
  relu: (x) => F.relu(signed(x)),
  'relu_ in place': (x) => signed(x).relu_(),
  'sigmoid tanh': (x) => signed(x).sigmoid().add(signed(x).tanh()),
  'exp log sqrt': (x) => x.add(0.1).log().exp().sqrt(),
  'abs neg sign': (x) => signed(x).abs().neg().add(signed(x).sign()),
  'floor ceil round': (x) => signed(x).floor().add(signed(x).ceil()).add(signed(x).round()),
  'sin cos tan atan': (x) => x.sin().add(x.cos()).add(x.tan()).add(signed(x).atan()),
  'erf reciprocal square': (x) => signed(x).erf().add(x.add(1).reciprocal()).add(signed(x).square()),
  'rsqrt expm1 log1p log2': (x) => x.add(1).rsqrt().add(x.expm1()).add(x.log1p()).add(x.add(1).log2()),
  'silu gelu': (x) =>
    F.silu(signed(x))
      .add(F.gelu(signed(x)))
      .add(F.gelu(signed(x), 'tanh')),
  'softplus mish logSigmoid': (x) =>
    F.softplus(signed(x))
      .add(F.softplus(signed(x), 2))
      .add(F.mish(signed(x)))
      .add(F.logSigmoid(signed(x))),
  'hard activations': (x) =>
    F.hardswish(signed(x))
      .add(F.hardsigmoid(signed(x)))
      .add(F.relu6(signed(x).mul(3))),
  'leakyRelu elu prelu glu': (x) =>
    F.leakyRelu(signed(x), 0.2)
      .add(F.elu(signed(x), 0.7))
      .add(F.prelu(signed(x), shift))
      .add(F.glu(cat([signed(x), x], 1), 1)),
  clamp: (x) => signed(x).clamp(-1, 2).add(signed(x).clamp(null, 1)).add(signed(x).clamp(0)),
  'add sub with factors': (x, y) => x.add(y, 2).sub(y, 0.5).add(3).sub(1, 2),
  'mul div pow': (x, y) => x.mul(y).div(y.add(1)).add(x.pow(1.7)).add(x.add(0.1).pow(y)),
  'div rounded, remainder': (x, y) =>
    signed(x)
      .div(y.add(0.3), 'floor')
      .add(signed(x).div(y.add(0.3), 'trunc'))
      .add(signed(x).remainder(y.add(0.3))),
  'maximum minimum lerp': (x, y) => x.maximum(y).add(x.minimum(y)).add(x.lerp(y, 0.3)).add(x.lerp(y, y)),
  'addcmul addcdiv_': (x, y) => x.addcmul(x, y, 0.5).addcdiv_(x, y.add(1), 0.3),
  comparisons: (x, y) =>
    [x.eq(y), x.ne(y), x.lt(y), x.le(0.5), x.gt(y), x.ge(0.3), x.isnan()]
      .map(float)
      .reduce((a, b) => a.mul(2).add(b)),
  logic: (x, y) => x.lt(y).logicalAnd(x.gt(0.2)).logicalOr(y.gt(0.8)).logicalNot().float(),
  'where maskedFill': (x, y) =>
    where(x.gt(y), x, 0.25)
      .add(x.maskedFill(y.gt(0.5), -3))
      .add(where(y.gt(x), 1, y)),
  'types mixed': (x) => x.gt(0.5).mul(x).add(x.mul(5).long().add(2).float()),

  'conv2d stride padding': (x) => F.conv2d(x, kernel, bias, { stride: 2, padding: 1 }),
  'conv2d groups dilation': (x) => F.conv2d(x, grouped, null, { groups: 3, dilation: 2 }),
  'conv2d same valid': (x) =>
    F.conv2d(x, kernel, null, { padding: 'same' })
      .mean([2, 3])
      .add(F.conv2d(x, kernel, bias, { padding: 'valid' }).mean([2, 3])),
  convTranspose2d: (x) =>
    F.convTranspose2d(x, upward, null, { stride: 2, padding: 1, outputPadding: 1, groups: 2 }),
  'conv1d convTranspose1d': (x) => {
    const line = x.flatten(2)
    return F.convTranspose1d(
      F.conv1d(line, kernel.select(2, 0), bias),
      rand([4, 3, 2], {}).mul(0).add(0.5),
      null,
      { stride: 2 },
    )
  },
  'conv3d convTranspose3d': (x) => {
    const volume = F.conv3d(x.unsqueeze(2), kernel.unsqueeze(2), bias, { padding: [0, 1, 1] })
    return F.convTranspose3d(volume, kernel.narrow(1, 0, 2).unsqueeze(2), null, { stride: [1, 2, 2] })
  },
  linear: (x) => F.linear(rows(x), square, shift),
  'matmul bmm': (x) =>
    rows(x)
      .matmul(matrix)
      .add(rows(x).bmm(x.mean([2, 3]).unsqueeze(2))),
  addmm: (x) => bias.narrow(0, 0, 1).addmm(pooled(x), matrix, { beta: 0.5, alpha: -2 }),
  baddbmm: (x) =>
    rows(x).baddbmm(rows(x), square.unsqueeze(0).expand([x.size(0), 6, 6]), { beta: 2, alpha: 0.3 }),
  einsum: (x) => einsum('nchw,ncHW->nhH', x, x),
  'attention, softmax': (x) => F.attention(rows(x), rows(x), rows(x)),
  batchNorm: (x) => F.batchNorm(x, mean, variance, scale, shift),
  'batchNorm without weight, after a convolution': (x) =>
    F.batchNorm(F.conv2d(x, square.view([6, 6, 1, 1]), shift), mean, variance, null, null),
  'groupNorm groupNormSilu': (x) =>
    F.groupNorm(x, 3, scale, shift).add(F.groupNormSilu(x, 2, scale, shift, { eps: 1e-6 })),
  'groupNorm without weights': (x) => F.groupNorm(x, 6, null, null),
  instanceNorm: (x) => F.instanceNorm(x).add(F.instanceNorm(x, scale, shift)),
  layerNorm: (x) => F.layerNorm(rows(x), [6], scale, shift).add(F.layerNorm(rows(x), [6], null, null, 1e-6)),
  'embedding, argmax argmin': (x) => F.embedding(x.argmax(1), matrix).add(F.embedding(x.argmin(1), matrix)),
  normalize: (x) =>
    F.normalize(x)
      .add(F.normalize(x, { p: 1 }))
      .add(F.normalize(x, { p: 3 })),

  maxPool: (x) => F.maxPool2d(x, 3, { stride: 2, padding: 1, dilation: 1 }),
  'maxPool rounded up': (x) => F.maxPool2d(x, 3, { stride: 2, ceilMode: true }),
  'maxPool of lines and volumes': (x) =>
    F.maxPool1d(x.flatten(2), 2)
      .mean(2)
      .add(F.maxPool3d(x.unsqueeze(1), 2).mean([1, 3, 4]).repeatInterleave(2, 1)),
  avgPool: (x) =>
    F.avgPool2d(x, 3, { stride: 1, padding: 1 }).add(
      F.avgPool2d(x, 3, { stride: 1, padding: 1, countIncludePad: false }),
    ),
  'avgPool of lines and volumes': (x) =>
    F.avgPool1d(x.flatten(2), 4)
      .mean(2)
      .add(F.avgPool3d(x.unsqueeze(1), [1, 2, 2]).mean([1, 3, 4])),
  'adaptive pooling to one': (x) => pooled(x).add(F.adaptiveMaxPool2d(x, 1).flatten(1)),
  nearest: (x) => F.interpolate(x, { scaleFactor: 2 }),
  'nearest to a size': (x, y) => F.interpolate(F.maxPool2d(x, 2), { size: y.shape.slice(2) }),
  bilinear: (x) => F.interpolate(x, { scaleFactor: 2, mode: 'bilinear' }),
  'bilinear by another factor': (x) =>
    F.interpolate(x, { scaleFactor: 0.5, mode: 'bilinear', alignCorners: true }),
  'bilinear with corners': (x, y) =>
    F.interpolate(F.maxPool2d(x, 4), { size: y.shape.slice(2), mode: 'bilinear', alignCorners: true }),
  bicubic: (x) => F.interpolate(x, { scaleFactor: 2, mode: 'bicubic' }),
  'linear of lines': (x) => F.interpolate(x.mean(3), { scaleFactor: 2, mode: 'linear' }),
  trilinear: (x) =>
    F.interpolate(x.unsqueeze(2), { scaleFactor: [3, 2, 2], mode: 'trilinear', alignCorners: true }),
  'nearest of lines and volumes': (x) =>
    F.interpolate(x.mean(3), { scaleFactor: 2 })
      .mean(2)
      .add(F.interpolate(x.unsqueeze(2), { scaleFactor: 2 }).mean([2, 3, 4])),
  pad: (x) => F.pad(x, [1, 2, 0, 3], 'constant', 0.5),
  'pad by mirror and border': (x) =>
    F.pad(x, [1, 2, 2, 1], 'reflect').add(F.pad(x, [1, 2, 2, 1], 'replicate')),

  'view flatten unflatten': (x) =>
    x
      .flatten(1)
      .view([x.size(0), 6, -1])
      .repeatInterleave(2, 1)
      .slice(1, 0, 6)
      .unflatten(1, [2, 3])
      .flatten(1, 2),
  'reshape into other groups': (x) =>
    x
      .permute([0, 2, 3, 1])
      .reshape([x.size(0), x.size(2) * x.size(3), 2, 3])
      .transpose(1, 2),
  'view of all sizes': (x) =>
    x
      .permute([0, 2, 3, 1])
      .reshape([-1, 6])
      .contiguous()
      .view([x.size(0), x.size(2), x.size(3), 6])
      .clone(),
  'unsqueeze squeeze': (x) => x.unsqueeze(-1).squeeze(-1).detach().unsqueeze(2).squeeze(2),
  'expand repeat': (x) =>
    pooled(x)
      .unsqueeze(2)
      .expand([-1, -1, x.size(2)])
      .repeat([1, 2, 1]),
  'repeat with more axes': (x) => pooled(x).repeat([2, 1, 3]),
  'narrow select slice': (x) => x.narrow(2, 1, 4).select(3, -1).slice(1, 0, 6, 2).narrow(-1, 1, 2),
  'slice to a varying end': (x) => x.slice(3, 2, x.size(3) - 1).narrow(2, 0, x.size(2)),
  'indexSelect gather': (x) => x.indexSelect(1, index).add(x.gather(1, x.narrow(1, 0, 3).mul(5).long())),
  'split chunk unbind': (x) =>
    cat([...x.split(2, 1), ...x.chunk(4, 1).slice(0, 2), stack(x.unbind(1).slice(2, 4), 1)], 1),
  'flip roll': (x) => x.flip([2, 3]).add(x.roll([1, -2], [2, 3])),
  'pixelShuffle pixelUnshuffle': (x) => F.pixelUnshuffle(F.pixelShuffle(cat([x, x], 1), 2), 2),

  'sum mean': (x) =>
    x
      .sum([2, 3])
      .add(x.mean([2, 3]))
      .add(x.sum())
      .add(x.mean()),
  'amax amin': (x) => x.amax([2, 3], true).add(x.amin(-1, true)),
  'max min with places': (x) => x.max(1)[0].add(x.min(1, false)[0]).add(x.max(1)[1].float()),
  'variance std': (x) =>
    x
      .variance(1)
      .add(x.std(1))
      .add(x.variance([2, 3], { unbiased: false, keepdim: true }).mean(1)),
  'softmax logSoftmax logsumexp': (x) => x.softmax(1).add(x.logSoftmax(1)).add(x.logsumexp(1, true)),
  cumsum: (x) => x.cumsum(2),
  topk: (x) => x.topk(3, 1)[0],
  triangles: (x) => pooled(x).unsqueeze(1).mul(square).tril().add(pooled(x).unsqueeze(1).mul(square).triu(1)),
  gridSample: (x) =>
    F.gridSample(
      x,
      F.affineGrid(tensor([0.9, 0.1, 0, -0.2, 1.1, 0.1], { shape: [1, 2, 3] }), [1, 6, 7, 9]).expand([
        x.size(0),
        -1,
        -1,
        -1,
      ]),
    ),
}

/** Only for the size of the recording. */
const fixed: Record<string, Run> = {
  'adaptive pooling to windows of one size': (x) => F.adaptiveAvgPool2d(x, [6, 7]),
  'adaptive pooling by matrices': (x) => F.adaptiveAvgPool2d(x, [5, 9]),
  'adaptive pooling of lines and volumes': (x) =>
    F.adaptiveAvgPool1d(x.flatten(2), 7)
      .mean(2)
      .add(F.adaptiveAvgPool3d(x.unsqueeze(2), [1, 5, 4]).mean([2, 3, 4])),
  'adaptive maxima': (x) =>
    F.adaptiveMaxPool2d(x, [4, 7]).add(F.adaptiveMaxPool3d(x.unsqueeze(2), [1, 4, 7]).squeeze(2)),
  area: (x) => F.interpolate(x, { size: [5, 5], mode: 'area' }),
}

const HEIGHT = 12
const WIDTH = 28

async function compare(run: Run, size: readonly [number, number, number], isFixed: boolean) {
  const model = new Probe().eval()
  const exporter = new OnnxExporter(model, '0')
  const shape = ['batch', 6, 'height', 'width']
  const { graph } = exporter.graph({
    name: 'probe',
    inputs: ['x', 'y'].map((name) => ({ name, type: 'float32' as const, shape })),
    outputs: ['out'],
    axes: {
      batch: { recorded: [3, 2], otherwise: null },
      height: { recorded: [HEIGHT, 20], otherwise: isFixed ? HEIGHT : null },
      width: { recorded: [WIDTH, 16], otherwise: isFixed ? WIDTH : null },
    },
    run: ([x, y]) => [run(x!, y!)],
  })
  const [n, h, w] = size
  const given = [rand([n, 6, h, w]), rand([n, 6, h, w])] as const
  const wanted = scope(() => run(...given))
  const { Tensor, create } = await nodeSessions({ threads: 1 })
  const session = await create(exporter.files[0]!.bytes)
  const feed = (t: Tensor) => new Tensor('float32', t.toTypedArray() as Float32Array, t.shape)
  const { out } = await session.run({ x: feed(given[0]), y: feed(given[1]) })
  const [own, reference] = [out!.data as Float32Array, wanted.toTypedArray()]
  expect(out!.dims).toEqual(wanted.shape)
  let largest = 0
  for (const [i, value] of own.entries()) {
    const wantedValue = Number(reference[i])
    const d = Math.abs(value - wantedValue) / Math.max(1, Math.abs(wantedValue))
    // Not `Math.max`, which would lose what is no number.
    if (!(d <= largest)) largest = d
  }
  await session.release()
  return { largest, graph }
}

describe('operators in ONNX Runtime equal libtorch', () => {
  it.each(Object.entries(dynamic))('%s', async (_name, run) => {
    const { largest, graph } = await compare(run, [1, 16, 24], false)
    expect(largest).toBeLessThan(2e-5)
    expect(graph.inputs[0]!.shape).toEqual(['batch', 6, 'height', 'width'])
  })

  it.each(Object.entries(fixed))('%s', async (_name, run) => {
    const { largest, graph } = await compare(run, [4, HEIGHT, WIDTH], true)
    expect(largest).toBeLessThan(2e-5)
    expect(graph.inputs[0]!.shape).toEqual(['batch', 6, HEIGHT, WIDTH])
  })

  it('are all in this table', () => {
    const seen = new Set<string>()
    const inputs = [rand([2, 6, HEIGHT, WIDTH]), rand([2, 6, HEIGHT, WIDTH])]
    for (const run of [...Object.values(dynamic), ...Object.values(fixed)]) {
      const { steps } = record(new Probe(), inputs, ([x, y]) => [run(x!, y!)])
      for (const { op } of steps) seen.add(op)
    }
    const unseen = [...rules.keys()].filter((op) => !seen.has(op))
    expect(unseen).toEqual([])
  })
})

describe('what cannot become a graph', () => {
  class Inner extends nn.Module {
    constructor(private readonly run: Run) {
      super()
    }
    forward(x: Tensor): Tensor {
      return this.run(x, x)
    }
  }
  class Outer extends nn.Module {
    readonly blocks: Inner[]
    constructor(run: Run) {
      super()
      this.blocks = [new Inner((x) => x), new Inner(run)]
    }
    forward(x: Tensor): Tensor {
      return this.blocks.reduce((y, block) => block.forward(y), x)
    }
  }
  const exported = (run: Run) => {
    const model = new Outer(run).eval()
    return new OnnxExporter(model, '0').graph({
      name: 'probe',
      inputs: [{ name: 'x', type: 'float32', shape: ['n', 6, 4, 4] }],
      outputs: ['out'],
      axes: { n: { recorded: [3, 2], otherwise: null } },
      run: ([x]) => [model.forward(x!)],
    })
  }

  it('is named with the module that calls it', () => {
    expect(() => exported((x) => x.flatten(1).svd()[1])).toThrow(
      expect.objectContaining({
        code: 'export-operator',
        message: 'The operator linalg_svd in blocks.1 has no ONNX form',
      }),
    )
  })

  it('is a write into memory that others see', () => {
    expect(() =>
      exported((x) => {
        const y = x.add(1)
        y.narrow(1, 0, 2).mul_(2)
        return y
      }),
    ).toThrow(expect.objectContaining({ code: 'export-in-place' }))
  })

  it('is not a constant that repeats itself for every image', () => {
    const token = rand([1, 6, 4, 1])
    expect(
      exported((x) => cat([token.expand([x.size(0), -1, -1, -1]), x], 3)).graph.outputs[0]!.shape,
    ).toEqual(['n', 6, 4, 5])
  })

  it('is a model whose constants depend on an axis that must stay open', () => {
    expect(() =>
      exported((x) =>
        x.mul(
          tensor(
            Array.from({ length: x.size(0) }, (_, i) => i),
            { shape: [x.size(0), 1, 1, 1] },
          ),
        ),
      ),
    ).toThrow(expect.objectContaining({ code: 'export-size' }))
  })

  it('leaves the model as it was', () => {
    const model = new Outer((x) => x.flatten(1).svd()[1])
    expect(() => record(model, [rand([2, 6, 4, 4])], ([x]) => [model.forward(x!)])).not.toThrow()
    expect(Object.keys(model.blocks[0]!)).toEqual(['run'])
  })
})
