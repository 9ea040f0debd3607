import { backward, manualSeed, nn, scope, type Tensor } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { cases, expectClose, type LayerCase, stored } from './reference.js'

type Constructor = new (...args: unknown[]) => nn.Module & { forward(...inputs: unknown[]): Tensor }

function build({ module, arguments: args, options }: LayerCase): InstanceType<Constructor> {
  const Layer = (nn as unknown as Record<string, Constructor>)[module]
  if (!Layer) throw new Error(`there is no nn.${module}`)
  return Object.keys(options).length > 0 ? new Layer(...args, options) : new Layer(...args)
}

const leaf = (t: Tensor) => (t.dtype === 'float32' ? t.clone().requiresGrad_() : t)

function check(one: LayerCase): void {
  const layer = build(one).train(one.training)
  expect([...layer.stateDict().keys()].sort()).toEqual([...one.params, ...one.buffers].sort())
  const state = [
    ...one.params.map((name) => [name, stored(one, `param/${name}`)] as const),
    ...one.buffers.map((name) => [name, stored(one, `buffer/${name}`)] as const),
  ]
  layer.loadStateDict(new Map(state))
  const inputs = one.inputs.map((name) => leaf(stored(one, `input/${name}`)))
  // Our masks are true where a query may look (fixtures: mayAttend), PyTorch's here where it may not.
  const mask = one.tensorOptions?.map((name) => stored(one, `option/${name}`)).at(-1)
  const output = mask ? layer.forward(...inputs, { mask }) : layer.forward(...inputs)
  expectClose(output, stored(one, 'output/y'), 'output')
  if (one.upstream.length > 0) backward([output], [stored(one, 'upstream/y')])
  for (const [i, name] of one.inputs.entries()) {
    if (one.gradInputs.includes(name))
      expectClose(inputs[i]!.grad!, stored(one, `gradInput/${name}`), `gradient of ${name}`)
  }
  for (const [name, p] of layer.namedParameters()) {
    expectClose(p.grad!, stored(one, `gradParam/${name}`), `gradient of ${name}`)
  }
  for (const [name, b] of layer.namedBuffers())
    expectClose(b, stored(one, `bufferAfter/${name}`), `${name} afterwards`)
}

describe('layers give the outputs, gradients and buffers of PyTorch', () => {
  for (const one of cases('layer').filter(({ file }) => file === 'layers.safetensors')) {
    it(one.name, () => scope(() => check(one)))
  }
})

describe('default initial values are those of PyTorch with the same seed', () => {
  // torch 1.13: torch.manual_seed(0); layer = nn.X(...); first two numbers of each parameter.
  const table: [string, () => nn.Module, Record<string, [number, number]>][] = [
    [
      'Conv1d',
      () => new nn.Conv1d(3, 4, 3),
      { weight: [-0.002495607, 0.17881453], bias: [-0.194580168, 0.2865327] },
    ],
    [
      'Conv2d',
      () => new nn.Conv2d(3, 4, 3),
      { weight: [-0.001440839, 0.10323862], bias: [-0.010603924, 0.028895428] },
    ],
    [
      'Conv3d',
      () => new nn.Conv3d(2, 4, 3),
      { weight: [-0.001018827, 0.073000729], bias: [-0.106444634, -0.071325257] },
    ],
    [
      'ConvTranspose2d',
      () => new nn.ConvTranspose2d(3, 4, 3),
      { weight: [-0.001247803, 0.089407265], bias: [-0.009183268, 0.025024176] },
    ],
    [
      'Linear',
      () => new nn.Linear(5, 4),
      { weight: [-0.003348208, 0.239904866], bias: [0.162435636, 0.371360779] },
    ],
    ['Embedding', () => new nn.Embedding(3, 4), { weight: [1.540996075, -0.293428898] }],
    [
      'MultiheadAttention',
      () => new nn.MultiheadAttention(4, 2),
      {
        in_proj_weight: [0.222424164, 0.508506715],
        in_proj_bias: [0, 0],
        'out_proj.weight': [-0.00374341, 0.268221796],
        'out_proj.bias': [0, 0],
      },
    ],
  ]
  for (const [name, build, expected] of table) {
    it(name, () => {
      manualSeed(0)
      const state = build().stateDict()
      expect([...state.keys()].sort()).toEqual(Object.keys(expected).sort())
      for (const [key, [first, second]] of Object.entries(expected)) {
        const values = state.get(key)!.toArray()
        expect(values[0]).toBeCloseTo(first, 8)
        expect(values[1]).toBeCloseTo(second, 8)
      }
    })
  }
})
