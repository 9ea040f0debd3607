import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  liveTensors,
  loadPth,
  loadTensors,
  manualSeed,
  nn,
  optim,
  randn,
  saveTensors,
  scope,
  type Tensor,
  tensor,
  zeros,
} from '@septum/torch'
import { afterAll, describe, expect, it } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'septum-state-'))
afterAll(() => rmSync(folder, { recursive: true }))
const path = (name: string) => join(folder, name)
const fixture = (name: string) => fileURLToPath(new URL(`io/fixtures/${name}`, import.meta.url))

describe('safetensors files', () => {
  it('bring every kind of tensor back', () => {
    const special = tensor([Number.NaN, Number.POSITIVE_INFINITY, -0, 1e-42])
    const tensors = new Map<string, Tensor>([
      ['float32', special],
      ['float64', tensor(Float64Array.of(0.1, -1e300))],
      ['float16', tensor([0.5, -65504]).to({ dtype: 'float16' })],
      ['bfloat16', tensor([0.5, 3e38]).to({ dtype: 'bfloat16' })],
      ['int64', tensor(BigInt64Array.of(2n ** 62n + 1n, -1n))],
      ['int32', tensor(Int32Array.of(-5, 7))],
      ['int16', tensor(Int16Array.of(-5, 7))],
      ['int8', tensor(Int8Array.of(-5, 7))],
      ['uint8', tensor(Uint8Array.of(5, 255))],
      ['bool', tensor([1, 0, 1]).to({ dtype: 'bool' })],
      ['empty', zeros([0, 3])],
      ['scalar', tensor(7)],
      ['channels last', randn([2, 3, 4, 5]).contiguous('channels_last')],
      ['transposed', randn([3, 4]).transpose(0, 1)],
      ['part', randn([10]).narrow(0, 3, 4)],
      ['parameter', randn([2]).requiresGrad_()],
    ])
    saveTensors(path('all.safetensors'), tensors, { step: '3', näme: 'ü' })
    const { tensors: loaded, metadata } = loadTensors(path('all.safetensors'))
    expect(metadata).toEqual({ step: '3', näme: 'ü' })
    expect([...loaded.keys()].sort()).toEqual([...tensors.keys()].sort())
    for (const [name, t] of tensors) {
      const back = loaded.get(name)!
      expect([back.dtype, back.shape], name).toEqual([t.dtype, t.shape])
      // Bit for bit, NaN and signed zero included.
      expect(new Uint8Array(back.data().slice().buffer), name).toEqual(
        new Uint8Array(t.data().slice().buffer),
      )
    }
  })

  it('are equal bytes for equal tensors, whatever their order or layout', () => {
    const x = randn([2, 3, 4, 5])
    saveTensors(
      path('a'),
      new Map([
        ['x', x],
        ['y', zeros([1])],
      ]),
    )
    saveTensors(
      path('b'),
      new Map([
        ['y', zeros([1])],
        ['x', x.contiguous('channels_last')],
      ]),
    )
    expect(readFileSync(path('a')).equals(readFileSync(path('b')))).toBe(true)
  })

  it('that are damaged or cannot be written leave nothing behind', () => {
    saveTensors(
      path('cut.safetensors'),
      new Map([
        ['x', randn([100])],
        ['y', randn([100])],
      ]),
    )
    truncateSync(path('cut.safetensors'), 500)
    const before = liveTensors()
    expect(() => loadTensors(path('cut.safetensors'))).toThrow(/cut\.safetensors|header|bytes/)
    expect(() => loadTensors(path('missing.safetensors'))).toThrow()
    writeFileSync(path('text.safetensors'), 'not a tensor file at all')
    expect(() => loadTensors(path('text.safetensors'))).toThrow()
    expect(liveTensors()).toBe(before)
    const kept = path('kept')
    saveTensors(kept, new Map([['x', tensor([1])]]))
    expect(() => saveTensors(kept, new Map([['x', randn([2]).to({ dtype: 'complex64' })]]))).toThrow(
      /complex64/,
    )
    const gone = randn([2])
    gone.free()
    expect(() => saveTensors(kept, new Map([['x', gone]]))).toThrow(/freed/)
    expect(loadTensors(kept).tensors.get('x')!.item()).toBe(1)
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it('carry a model and its optimiser to a bit-identical continuation', () => {
    const build = () =>
      new nn.Sequential(new nn.Conv2d(1, 2, 3), new nn.BatchNorm2d(2), new nn.GELU(), new nn.Conv2d(2, 1, 1))
    const step = (model: nn.Sequential, optimizer: optim.Optimizer, i: number) =>
      scope(() => {
        manualSeed(i)
        optimizer.zeroGrad()
        model
          .forward(randn([2, 1, 6, 6]))
          .square()
          .mean()
          .backward()
        optimizer.step()
      })
    const straight = build().to({ memoryFormat: 'channels_last' })
    const adam = new optim.AdamW(straight.parameters(), { lr: 0.01 })
    for (let i = 0; i < 3; i++) step(straight, adam, i)
    const state = adam.stateDict()
    saveTensors(path('model'), straight.stateDict())
    saveTensors(path('adam'), state.tensors, { kind: state.kind, numbers: JSON.stringify(state.numbers) })
    for (let i = 3; i < 6; i++) step(straight, adam, i)

    const resumed = build().to({ memoryFormat: 'channels_last' })
    resumed.loadStateDict(loadTensors(path('model')).tensors)
    const again = new optim.AdamW(resumed.parameters(), { lr: 0.01 })
    const { tensors, metadata } = loadTensors(path('adam'))
    again.loadStateDict({ kind: metadata.kind!, tensors, numbers: JSON.parse(metadata.numbers!) })
    for (let i = 3; i < 6; i++) step(resumed, again, i)
    for (const [name, t] of straight.stateDict())
      expect(resumed.stateDict().get(name)!.equal(t), name).toBe(true)
  })
})

describe('files of PyTorch', () => {
  it('give the tensors of a state dict', () => {
    interface Described {
      readonly $tensor: { readonly dtype: string; readonly shape: readonly number[]; readonly bytes: string }
    }
    // Written beside the .pth by PyTorch (io/fixtures/make_fixtures.py); `bytes` are hexadecimal.
    const written = JSON.parse(readFileSync(fixture('state-dict.json'), 'utf8')) as {
      $map: [string, Described][]
    }
    const { tensors, unwrapped } = loadPth(fixture('state-dict.pth'))
    expect([...tensors.keys()]).toEqual(written.$map.map(([name]) => name))
    expect(unwrapped).toEqual([])
    for (const [name, { $tensor }] of written.$map) {
      const t = tensors.get(name)!
      expect([t.dtype, t.shape], name).toEqual([$tensor.dtype, $tensor.shape])
      expect(Buffer.from(t.data().slice().buffer).toString('hex'), name).toBe($tensor.bytes)
    }
  })

  it('that want to run something are refused', () => {
    expect(() => loadPth(fixture('malicious.pth'))).toThrow(expect.objectContaining({ code: 'pth-refused' }))
  })
})
