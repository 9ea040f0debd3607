import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nn, noGrad, saveTensors, scope, setThreads, type Tensor } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { ConvNormReLU, Vgg16 } from '../../blocks/backbones/index.js'
import { type Digest, expectDigest, fillByFormula, formulaImage } from '../../blocks/backbones/testing.js'
import { BoxNorm } from './box-norm.js'
import { LossNet } from './loss-net.js'
import { M2SNetwork } from './network.js'
import { m2snetOptions } from './options.js'
import { SubtractionUnit } from './units.js'

setThreads(1)

interface NetworkReference {
  readonly evaluation: Digest
  readonly training: Digest
  readonly gradients: Readonly<Record<string, Digest>>
  readonly parameters: number
  readonly running?: Readonly<Record<string, readonly number[]>>
}

const reference = JSON.parse(readFileSync(new URL('fixtures/m2snet.json', import.meta.url), 'utf8')) as {
  msnet: NetworkReference
  m2snet: NetworkReference
  unit: Readonly<Record<'training' | 'gradA' | 'gradB' | 'evaluation', Digest>>
  lossNet: { loss: number; gradient: Digest }
}

const small = (kernels: readonly number[], normStatistics: 'each' | 'shared') =>
  fillByFormula(
    new M2SNetwork(
      1,
      m2snetOptions.parse({
        kernels,
        normStatistics,
        channels: 16,
        encoder: 'res2net50',
        encoderWidth: 0.25,
      }),
    ),
  )

// The reference computes dense convolutions with kernels of ones; ours are box sums.
describe.each([
  ['msnet', [1], 'each'],
  ['m2snet', [1, 3, 5], 'shared'],
  ['m2snet', [1, 3, 5], 'each'],
] as const)('%s with kernels %j and statistics %s', (name, kernels, statistics) => {
  const want = reference[name]
  // In double precision: a sign that rounding turns in |a - b| would show in the gradients.
  const images = formulaImage([2, 3, 96, 64]).to({ dtype: 'float64', memoryFormat: 'channels_last' })

  it('gives the logits and gradients of PyTorch', () => {
    const network = small(kernels, statistics).to({ dtype: 'float64' })
    expect(network.parameterCount()).toBe(want.parameters)
    scope(() => {
      const evaluated = noGrad(() => network.eval().forward(images))[0]!
      // Statistics of each use are not those of the reference.
      if (statistics === 'shared' || name === 'msnet')
        expectDigest(evaluated, want.evaluation, 'evaluation', 1e-6)
      const logits = network.train().forward(images)[0]!
      expectDigest(logits, want.training, 'training', 1e-6)
      logits.mul(formulaImage(logits.shape, 7.25)).sum().backward()
      const parameters = new Map(network.namedParameters())
      for (const [key, digest] of Object.entries(want.gradients))
        expectDigest(parameters.get(key)!.grad!, digest, key, 1e-5)
    })
    if (statistics === 'shared') {
      const state = network.stateDict()
      for (const [key, [value]] of Object.entries(want.running ?? {})) {
        const [box, kind] = key.split('.') as [string, string]
        const own = state.get(`${box}.norm.${kind}`)!
        expect(Math.abs(own.select(0, 0).item() - value!)).toBeLessThan(1e-5 * Math.abs(value!))
        expect(own.std(0).item()).toBeCloseTo(0, 3)
      }
    }
  })
})

it('one unit alone: both modes, gradients of both inputs', () => {
  const boxes = new Map([3, 5].map((k) => [k, new BoxNorm(8, 0)]))
  const unit = new SubtractionUnit({ channels: 8, kernels: [1, 3, 5], shape: 'ones', norms: boxes }, 0)
  class Whole extends nn.Module {
    readonly out = new (class extends nn.Module {
      override *children() {
        yield* unit.children()
      }
    })()
    override *children(): Generator<[string, nn.Module]> {
      for (const [k, box] of boxes) yield [`conv_${k}`, box]
      yield ['out', this.out]
    }
  }
  const whole = fillByFormula(new Whole())
  noGrad(() => {
    for (const { norm } of boxes.values()) {
      norm.running_mean!.fill_(0)
      norm.running_var!.fill_(1)
    }
  })
  whole.to({ dtype: 'float64' }).train()
  const [a, b] = [1.5, 2.5].map((seed) =>
    formulaImage([2, 8, 9, 7], seed)
      .abs()
      .to({ dtype: 'float64', memoryFormat: 'channels_last' })
      .requiresGrad_(),
  ) as [Tensor, Tensor]
  const trained = unit.forward(a, b)
  expectDigest(trained, reference.unit.training, 'training')
  trained.mul(formulaImage(trained.shape, 3.5)).sum().backward()
  expectDigest(a.grad!, reference.unit.gradA, 'gradient of a')
  expectDigest(b.grad!, reference.unit.gradB, 'gradient of b')
  whole.eval()
  unit.eval()
  expectDigest(unit.forward(a, b), reference.unit.evaluation, 'evaluation')
  expectDigest(
    noGrad(() => unit.forward(a, b)),
    reference.unit.evaluation,
    'evaluation, folded',
  )
  expect([...unit.children()].map(([name]) => name)).toEqual(
    [...new ConvNormReLU(8, 8).children()].map(([n]) => n),
  )
})

it('LossNet on VGG-16 gives the loss and the gradient of PyTorch', () => {
  const folder = mkdtempSync(join(tmpdir(), 'septum-vgg-'))
  const before = process.env.SEPTUM_WEIGHTS
  process.env.SEPTUM_WEIGHTS = folder
  try {
    saveTensors(join(folder, 'vgg16.safetensors'), fillByFormula(new Vgg16()).stateDict())
    const net = new LossNet('vgg16')
    const p = formulaImage([1, 1, 40, 48], 4.5).mul(0.5).add(0.5).requiresGrad_()
    const m = formulaImage([1, 1, 40, 48], 5.5).gt(0.2).float()
    const loss = net.forward(p, m)
    loss.backward()
    expect(Math.abs(loss.item() / reference.lossNet.loss - 1)).toBeLessThan(1e-4)
    expectDigest(p.grad!, reference.lossNet.gradient, 'gradient', 5e-3)
    // Gradients reach the prediction only.
    expect(net.forward(m, m).item()).toBe(0)
  } finally {
    if (before === undefined) delete process.env.SEPTUM_WEIGHTS
    else process.env.SEPTUM_WEIGHTS = before
    rmSync(folder, { recursive: true })
  }
}, 30_000)
