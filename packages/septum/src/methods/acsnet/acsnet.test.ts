import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentReporter } from '@septum/core'
import { full, manualSeed, noGrad, rand, saveTensors, scope, setThreads } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { fillByFormula, formulaImage } from '../../blocks/backbones/testing.js'
import { expectStudy, readFixture, type Study } from '../../blocks/testing.js'
import { PhaseRun } from '../../training/phase-run.js'
import { profile } from '../profile.js'
import { expectGradients } from '../testing/pranet-family.js'
import { disc, ramp, squareBatch, squareTask } from '../testing.js'
import { AcsNet, AcsNetwork, acsnetOptions } from './index.js'
import { localContext } from './local-context.js'

setThreads(1)

const small = acsnetOptions.parse({ encoder: 'resnet34', encoderWidth: 0.25, channels: 8, dropout: 0 })

describe('at the size of the paper', () => {
  const network = new AcsNetwork(1, acsnetOptions.parse({}))

  it('has 29,450,709 parameters', () => {
    expect(network.parameterCount()).toBe(29_450_709)
  })

  it('takes 11.4 G multiply-adds at 256x256 and 21.5 G at 352x352', () => {
    const { macs, layers } = profile(network, () => network.forward(rand([1, 3, 64, 64])))
    // Pooled to 1, 3 and 5 squares, and the layers of squeeze-and-excitation: the same for every size of image.
    const fixed = layers
      .filter(({ path }) => /^gcm\.GCmodule\.[012]\.|selayer/.test(path))
      .reduce((sum, layer) => sum + layer.macs, 0)
    const tile = (macs - fixed) / 4
    expect(((64 * tile + fixed) / 1e9).toFixed(1)).toBe('11.4')
    expect(((121 * tile + fixed) / 1e9).toFixed(1)).toBe('21.5')
  })
})

it("has the outputs and gradients of PyTorch's", () => {
  const network = new AcsNetwork(1, small)
  const study = readFixture<Study>('fixtures/acsnet.json', import.meta.url)
  expectStudy(network, (x) => network.forward(x), formulaImage([2, 3, 64, 96]), study)
})

it('doubles a skip connection where the coarser map is undecided and leaves it where it is sure', () => {
  const skip = rand([1, 4, 3, 3])
  expect(localContext(skip, full([1, 1, 3, 3], 0)).allclose(skip.mul(2))).toBe(true)
  for (const sure of [60, -60]) expect(localContext(skip, full([1, 1, 3, 3], sure)).allclose(skip)).toBe(true)
})

it.each(['mobilenet-v2', 'convnext-t'])('stands on %s and takes odd sizes and several classes', (encoder) => {
  const network = new AcsNetwork(2, acsnetOptions.parse({ ...small, encoder })).eval()
  const maps = scope(() => noGrad(() => network.forward(rand([1, 3, 71, 50]))))
  expect(maps.map((map) => map.shape)).toEqual(
    [1, 2, 4, 8, 16].map((stride) => [1, 2, Math.ceil(71 / stride), Math.ceil(50 / stride)]),
  )
})

const batch = squareBatch(32, [ramp(32, 1, 0), ramp(32, 0, 1)], [[disc(32, 6)], [disc(32, 12)]])

it('has the loss of five maps, and every parameter has a gradient', () => {
  const model = fillByFormula(new AcsNet(small, squareTask(128))).train()
  // The deepest map has 4 x 4 positions, and the keys of its attention 2 x 2.
  const large = squareBatch(128, [ramp(128, 1, 0), ramp(128, 0, 1)], [[disc(128, 24)], [disc(128, 48)]])
  scope(() => {
    const { total } = model.phases()[0]!.losses(large)
    total.backward()
  })
  // A softmax over keys does not see what all keys of a query have in common.
  expectGradients(model.network, /phi\.0\.bias$/)
})

it('costs ln 2 and 1 - (2 m p + 1) / (m + p + 1) a map where nothing is known', () => {
  // All weights 0: every logit is 0, p = 1/2 everywhere.
  const model = new AcsNet(small, squareTask(32)).train()
  noGrad(() => {
    for (const [name, p] of model.network.namedParameters())
      if (/(sideout\d\.conv2|outconv\.2)/.test(name)) p.fill_(0)
  })
  const ones = squareBatch(32, [ramp(32, 1, 0)], [[new Array(1024).fill(1)]])
  const total = scope(() => model.phases()[0]!.losses(ones).total.item())
  const expected = [32, 16, 8, 4, 2]
    .map((side) => side * side)
    .map((area) => Math.LN2 + 1 - (area + 1) / (area + area / 2 + 1))
  expect(total).toBeCloseTo(
    expected.reduce((a, b) => a + b),
    4,
  )
})

it('starts from the names of the released weights', () => {
  const folder = mkdtempSync(join(tmpdir(), 'septum-'))
  try {
    const source = fillByFormula(new AcsNetwork(1, small)).stateDict()
    const released = new Map(
      [...source].map(([name, t]) => [
        name
          .replace(/^resnet\.layer(\d)/, (_, stage) => `encoder${Number(stage) + 1}`)
          .replace(/^resnet\.(conv|bn)1/, 'encoder1_$1'),
        t,
      ]),
    )
    expect(released.has('encoder5.0.conv1.weight')).toBe(true)
    expect(released.has('encoder1_bn.weight')).toBe(true)
    const file = join(folder, 'released.safetensors')
    saveTensors(file, released)
    const said: string[] = []
    const model = new AcsNet({ ...small, startFrom: file }, squareTask(32))
    model.initialise({ ...silentReporter, info: (text) => said.push(text) })
    expect(said).toEqual([`The network starts from the weights in ${file}.`])
    for (const [name, t] of model.network.stateDict()) expect(t.equal(source.get(name)!), name).toBe(true)
    saveTensors(file, new Map([['other', full([2], 1)]]))
    expect(() => model.initialise(silentReporter)).toThrow('None of the weights')
  } finally {
    rmSync(folder, { recursive: true })
  }
})

it('learns two images by heart', () => {
  manualSeed(2)
  const options = acsnetOptions.parse({
    ...small,
    encoder: 'resnet18',
    encoderWidth: 0.125,
    channels: 16,
    lr: 0.05,
    steps: 50,
  })
  const model = new AcsNet(options, squareTask(32))
  const run = new PhaseRun(model, model.phases()[0]!, 0, 7, 'cpu', 'float32')
  const losses = Array.from({ length: 50 }, (_, step) => run.step([{ ...batch, step }]).losses.total!)
  run.free()
  expect(losses.at(-1)!).toBeLessThan(0.25 * losses[0]!)
})
