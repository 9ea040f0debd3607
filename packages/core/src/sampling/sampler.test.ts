import { describe, expect, it } from 'vitest'
import type { NextScaleEngine } from './engine.js'
import type { SamplingProgress } from './options.js'
import { sampleMasks } from './sampler.js'

interface FakeState {
  readonly rows: number
  readonly shift: number
  readonly tokens: number[][]
  released: boolean
}

/**
 * Logits are a function of a row's own earlier tokens; the 2x2 mask is the sum of its tokens plus 0 to 3, minus
 * ten. `failAt` names the call that throws; `later` answers with promises.
 */
class FakeEngine implements NextScaleEngine<string, FakeState, string> {
  readonly scales = [1, 2, 3]
  readonly vocabulary = 5
  readonly calls: string[] = []
  readonly states: FakeState[] = []
  constructor(
    private readonly later = false,
    private readonly failAt = '',
  ) {}

  encode(image: string): string {
    return image
  }

  begin(condition: string, rows: number, classIndex: number | null): FakeState {
    this.note(`begin ${condition} ${rows} ${classIndex}`)
    const state = {
      rows,
      shift: classIndex ?? -3,
      tokens: Array.from({ length: rows }, () => []),
      released: false,
    }
    this.states.push(state)
    return state
  }

  logits(state: FakeState, k: number): Float32Array | Promise<Float32Array> {
    this.note(`logits ${k}`)
    const places = this.scales[k]! ** 2
    const data = new Float32Array(state.rows * places * this.vocabulary)
    for (let row = 0; row < state.rows; row++) {
      const seen = state.tokens[row]!.reduce((sum, token, i) => sum + token * (i + 1), state.shift)
      for (let i = 0; i < places * this.vocabulary; i++) {
        data[row * places * this.vocabulary + i] = Math.sin(seen + 1.7 * i + k) * 2
      }
    }
    return this.later ? Promise.resolve(data) : data
  }

  async accept(state: FakeState, k: number, tokens: Int32Array): Promise<void> {
    this.note(`accept ${k}`)
    const places = this.scales[k]! ** 2
    expect(tokens.length).toBe(state.rows * places)
    tokens.forEach((token, i) => void state.tokens[Math.floor(i / places)]!.push(token))
  }

  decode(state: FakeState, rows = state.rows) {
    this.note(`decode ${rows}`)
    const data = new Float32Array(rows * 4)
    for (let i = 0; i < data.length; i++) {
      data[i] = state.tokens[i >> 2]!.reduce((sum, token) => sum + token, 0) - 10 + (i & 3)
    }
    return { data, height: 2, width: 2 }
  }

  release(state: FakeState): void {
    this.note('release')
    expect(state.released).toBe(false)
    state.released = true
  }

  releaseCondition(): void {
    this.note('releaseCondition')
  }

  private note(call: string): void {
    this.calls.push(call)
    if (this.failAt === call) throw new Error(`failed at ${call}`)
  }
}

const plain = (masks: { tokens: readonly Int32Array[]; logits: readonly Float32Array[] }) =>
  masks.tokens.map((tokens, i) => ({ tokens: [...tokens], logits: [...masks.logits[i]!] }))

describe('sampleMasks', () => {
  it('calls the engine in order and releases the state', async () => {
    const engine = new FakeEngine()
    const masks = await sampleMasks(engine, 'ct', { samples: 3, rowsPerBatch: 2, classIndex: 1 })
    const batch = (rows: number) => [
      `begin ct ${rows} 1`,
      ...[0, 1, 2].flatMap((k) => [`logits ${k}`, `accept ${k}`]),
      `decode ${rows}`,
      'release',
    ]
    expect(engine.calls).toEqual([...batch(2), ...batch(1)])
    expect(masks.tokens.map((tokens) => tokens.length)).toEqual([14, 14, 14])
    expect([masks.height, masks.width, masks.stages]).toEqual([2, 2, undefined])
    expect(masks.logits.map((logits) => logits.length)).toEqual([4, 4, 4])
  })

  it('gives what the engine accepted', async () => {
    const engine = new FakeEngine()
    const masks = await sampleMasks(engine, 'ct', { samples: 4, seed: 3 })
    expect(masks.tokens.map((tokens) => [...tokens])).toEqual(engine.states[0]!.tokens)
    expect(new Set(masks.tokens.map(String)).size).toBe(4)
  })

  it('draws the same sample alone, with others, in any batches, now or later', async () => {
    const options = { seed: 5, imageStream: 2, temperature: [1.5, 1, 0.5], topK: 4, topP: 0.95 }
    const all = plain(await sampleMasks(new FakeEngine(), 'ct', { ...options, samples: 8 }))
    for (const rowsPerBatch of [1, 3, 8, 100]) {
      const split = await sampleMasks(new FakeEngine(true), 'ct', { ...options, samples: 8, rowsPerBatch })
      expect(plain(split)).toEqual(all)
    }
    const alone = await sampleMasks(new FakeEngine(), 'ct', { ...options, firstSample: 6 })
    expect(plain(alone)).toEqual([all[6]])
  })

  it('draws differently for another seed, image or class', async () => {
    const tokens = async (options: object) =>
      String((await sampleMasks(new FakeEngine(), 'ct', { samples: 2, ...options })).tokens)
    const drawn = [{}, { seed: 1 }, { imageStream: 1 }, { classIndex: 1 }].map(tokens)
    expect(new Set(await Promise.all(drawn)).size).toBe(4)
  })

  it.each([{ greedy: true }, { topK: 1 }, { temperature: 0 }, { temperature: 1e-6 }])(
    'gives equal samples with %o',
    async (options) => {
      const masks = await sampleMasks(new FakeEngine(), 'ct', { samples: 4, seed: 9, ...options })
      expect(new Set(masks.tokens.map(String)).size).toBe(1)
      const greedy = await sampleMasks(new FakeEngine(), 'ct', { greedy: true })
      expect([...masks.tokens[0]!]).toEqual([...greedy.tokens[0]!])
    },
  )

  it('draws the first token with the frequencies of its softmax', async () => {
    const n = 4000
    const { tokens } = await sampleMasks(new FakeEngine(), 'ct', { samples: n, seed: 1 })
    const weights = [0, 1, 2, 3, 4].map((i) => Math.exp(2 * Math.sin(1.7 * i)))
    const total = weights.reduce((sum, weight) => sum + weight)
    for (const [token, weight] of weights.entries()) {
      const p = weight / total
      const share = tokens.filter((each) => each[0] === token).length / n
      expect(Math.abs(share - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / n))
    }
  })

  it('keeps the stages of as many samples as asked', async () => {
    const engine = new FakeEngine()
    const options = { samples: 4, seed: 5, rowsPerBatch: 3 }
    const all = await sampleMasks(engine, 'ct', { ...options, stages: true })
    expect(all.stages?.map((stages) => stages.length)).toEqual([3, 3, 3, 3])
    for (const [i, stages] of all.stages!.entries()) {
      expect(stages[2]).toEqual(all.logits[i])
      // After scale 1 the mask is its single token - 10.
      expect(stages[0]![0]).toBe(all.tokens[i]![0]! - 10)
    }
    expect(engine.calls.filter((call) => call.startsWith('decode'))).toEqual([
      ...['decode 3', 'decode 3', 'decode 3'],
      ...['decode 1', 'decode 1', 'decode 1'],
    ])
    const one = await sampleMasks(new FakeEngine(), 'ct', { ...options, stages: 1 })
    expect(one.stages).toEqual(all.stages!.slice(0, 1))
    expect(plain(one)).toEqual(plain(all))
  })

  it('guides with a second, unconditional state', async () => {
    const engine = new FakeEngine()
    const guided = await sampleMasks(engine, 'ct', { samples: 2, guidance: 2, greedy: true })
    expect(engine.calls.slice(0, 6)).toEqual([
      'begin ct 2 0',
      'begin ct 2 null',
      'logits 0',
      'logits 0',
      'accept 0',
      'accept 0',
    ])
    expect(engine.calls.slice(-3)).toEqual(['decode 2', 'release', 'release'])
    const [conditional, unconditional] = engine.states
    expect(conditional!.tokens).toEqual(unconditional!.tokens)
    // Scale 1 has weight 0: its token is the unguided one.
    const free = await sampleMasks(new FakeEngine(), 'ct', { greedy: true })
    expect(guided.tokens[0]![0]).toBe(free.tokens[0]![0])
    expect(String(guided.tokens[0])).not.toBe(String(free.tokens[0]))
  })

  it.each(['logits 0', 'accept 1', 'logits 2', 'decode 2'])(
    'releases all states after an error at %s',
    async (call) => {
      const engine = new FakeEngine(false, call)
      await expect(sampleMasks(engine, 'ct', { samples: 2, guidance: 1 })).rejects.toThrow(
        `failed at ${call}`,
      )
      expect(engine.states.map((state) => state.released)).toEqual([true, true])
    },
  )

  it('releases the first state when the second cannot begin, and nothing when none began', async () => {
    const second = new FakeEngine(false, 'begin ct 2 null')
    await expect(sampleMasks(second, 'ct', { samples: 2, guidance: 1 })).rejects.toThrow('failed')
    expect(second.calls.at(-1)).toBe('release')
    const first = new FakeEngine(false, 'begin ct 1 0')
    await expect(sampleMasks(first, 'ct')).rejects.toThrow('failed')
    expect(first.calls).toEqual(['begin ct 1 0'])
  })

  it('releases the other state when one release fails', async () => {
    const engine = new FakeEngine()
    let releases = 0
    engine.release = () => {
      releases++
      throw new Error(`release ${releases}`)
    }
    await expect(sampleMasks(engine, 'ct', { guidance: 1 })).rejects.toThrow('release 1')
    expect(releases).toBe(2)
    engine.decode = () => {
      throw new Error('the first error')
    }
    await expect(sampleMasks(engine, 'ct')).rejects.toThrow('the first error')
    expect(releases).toBe(3)
  })

  it('reports each scale and stops when aborted', async () => {
    const engine = new FakeEngine()
    const control = new AbortController()
    const seen: SamplingProgress[] = []
    const run = sampleMasks(engine, 'ct', {
      samples: 3,
      rowsPerBatch: 2,
      signal: control.signal,
      onProgress: (progress) => {
        seen.push(progress)
        if (seen.length === 4) control.abort()
      },
    })
    await expect(run).rejects.toThrow(/abort/i)
    expect(seen.map(({ scale, firstSample, rows }) => [scale, firstSample, rows])).toEqual([
      [1, 0, 2],
      [2, 0, 2],
      [3, 0, 2],
      [1, 2, 1],
    ])
    expect(engine.states.map((state) => state.released)).toEqual([true, true])
    const untouched = new FakeEngine()
    await expect(sampleMasks(untouched, 'ct', { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i)
    expect(untouched.calls).toEqual([])
  })

  it.each([
    { samples: 0 },
    { samples: 1.5 },
    { firstSample: -1 },
    { classIndex: -1 },
    { rowsPerBatch: 0 },
    { stages: -1 },
    { guidance: -1 },
    { guidance: Number.NaN },
    { temperature: [1, 1] },
  ])('refuses %o', async (options) => {
    const engine = new FakeEngine()
    await expect(sampleMasks(engine, 'ct', options)).rejects.toMatchObject({ code: 'sampling-options' })
    expect(engine.calls).toEqual([])
  })

  it('names an engine that gives the wrong amount of data', async () => {
    const engine = new FakeEngine()
    engine.logits = () => new Float32Array(3)
    await expect(sampleMasks(engine, 'ct')).rejects.toMatchObject({ code: 'engine-shape' })
    const masks = new FakeEngine()
    masks.decode = () => ({ data: new Float32Array(3), height: 2, width: 2 })
    await expect(sampleMasks(masks, 'ct')).rejects.toThrow(/3 mask logits instead of 4/)
    expect(masks.calls.at(-1)).toBe('release')
  })
})
