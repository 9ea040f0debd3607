import { fuseSamples, sampleMasks } from '@septum/core'
import { liveTensors, manualSeed, noGrad, rand, randn, type Tensor, tensor } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { predictOptions, squareTask } from '../testing.js'
import { ArSeg, stretchTemperatures } from './model.js'
import { tinyOptions } from './testing.js'

manualSeed(1)
const models = {
  gpt: new ArSeg(tinyOptions({}, { block: 'gpt', classDropout: 0.1 }), squareTask(16)).eval(),
  var: new ArSeg(tinyOptions({}, { block: 'var', condMean: true }), squareTask(16, ['a', 'b'])).eval(),
}
const image = rand([1, 1, 16, 16])
noGrad(() => {
  for (const { transformer } of Object.values(models)) {
    for (const p of transformer.parameters()) p.add_(randn(p.shape), 0.1)
  }
})

/** Tokens that stand for the truth, [rows, p²] of each scale. */
const forced = [1, 4, 16].map((n, k) => Int32Array.from({ length: 2 * n }, (_, i) => (5 * i + 3 * k) % 16))
const asTensors = (): Tensor[] => forced.map((r) => tensor(r, { shape: [2, r.length / 2], dtype: 'int64' }))

/** Logits and inputs of every scale when the sampling loop is given the tokens. */
function forcedLoop(model: ArSeg, cached: boolean, classIndex: number | null) {
  const engine = model.engine(cached)
  const condition = engine.encode(image)
  const state = engine.begin(condition, 2, classIndex)
  const logits: Float32Array[] = []
  const inputs: number[][] = []
  for (const [k, r] of forced.entries()) {
    logits.push(engine.logits(state, k))
    engine.accept(state, k, r)
    if (state.inputs && cached) inputs.push(state.inputs.toArray())
  }
  engine.release(state)
  engine.releaseCondition(condition)
  return { logits, inputs }
}

const furthest = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0)

describe.each(Object.entries(models))('engine (%s)', (_, model) => {
  const draw = async (cached: boolean, options: Parameters<typeof sampleMasks>[2]) => {
    const engine = model.engine(cached)
    const condition = engine.encode(image)
    const drawn = await sampleMasks(engine, condition, options)
    engine.releaseCondition(condition)
    return drawn
  }

  it.each([0, null])(
    'gives the logits of the masked full sequence with and without cache (class %s)',
    (classIndex) => {
      const cached = forcedLoop(model, true, classIndex).logits
      const whole = forcedLoop(model, false, classIndex).logits
      const teacher = noGrad(() => {
        const classes = tensor([1, 1], { dtype: 'int64' }).mul(classIndex ?? model.transformer.noClassIndex)
        const prefix = model.condition.forward(image).expand([2, -1, -1])
        const all = model.transformer.forward(
          prefix,
          classes,
          model.autoencoder.quantizer.teacherInput(asTensors()),
        )
        const { starts, counts } = model.transformer.layout
        return starts.map((from, k) => all.narrow(1, from, counts[k]!).contiguous().data() as Float32Array)
      })
      for (const k of forced.keys()) {
        expect(furthest(cached[k]!, teacher[k]!)).toBeLessThan(1e-4)
        expect(furthest(whole[k]!, teacher[k]!)).toBeLessThan(1e-4)
      }
    },
  )

  it('builds the inputs of training, bit for bit', () => {
    const { quantizer } = model.autoencoder
    const teacher = noGrad(() => quantizer.teacherInput(asTensors()))
    const { inputs } = forcedLoop(model, true, 0)
    expect(inputs[0]).toEqual(teacher.narrow(1, 0, 4).contiguous().toArray())
    expect(inputs[1]).toEqual(teacher.narrow(1, 4, 16).contiguous().toArray())
  })

  it('draws the same tokens with and without cache', async () => {
    const options = { samples: 6, seed: 3 }
    const [cached, whole] = [await draw(true, options), await draw(false, options)]
    expect(cached.tokens).toEqual(whole.tokens)
    expect(new Set(cached.tokens.map(String)).size).toBe(6)
    expect((await draw(true, { samples: 6, seed: 4 })).tokens).not.toEqual(cached.tokens)
  })

  it('draws N samples from one prefix as in N runs of their own', async () => {
    const together = await draw(true, { samples: 4, seed: 5 })
    for (let i = 0; i < 4; i++) {
      const alone = await draw(true, { samples: 1, firstSample: i, seed: 5 })
      expect(alone.tokens[0]).toEqual(together.tokens[i])
      expect(furthest(alone.logits[0]!, together.logits[i]!)).toBeLessThan(1e-4)
    }
  })

  it.each([{ temperature: 0 }, { topK: 1 }, { greedy: true }, { temperature: 1e-6 }])(
    'draws one mask only with %o',
    async (options) => {
      const { tokens, logits } = await draw(true, { samples: 4, seed: 6, ...options })
      expect(new Set(tokens.map(String)).size).toBe(1)
      const { probability, mask, uncertainty } = fuseSamples(logits)
      expect(Array.from(mask)).toEqual(Array.from(logits[0]!, (x) => (x > 0 ? 1 : 0)))
      expect(Array.from(probability)).toEqual(Array.from(mask))
      expect(Math.max(...uncertainty.disagreement)).toBe(0)
      expect((await draw(true, { samples: 1, greedy: true })).tokens[0]).toEqual(tokens[0])
    },
  )

  it('guides away from the answer without class', async () => {
    const plain = await draw(true, { samples: 4, seed: 7 })
    const guided = await draw(true, { samples: 4, seed: 7, guidance: 8 })
    // The first scale has guidance 0.
    expect(guided.tokens.map((r) => r[0])).toEqual(plain.tokens.map((r) => r[0]))
    expect(guided.tokens).not.toEqual(plain.tokens)
    expect((await draw(false, { samples: 4, seed: 7, guidance: 8 })).tokens).toEqual(guided.tokens)
  })

  it('leaves no tensor behind', async () => {
    await draw(true, { samples: 2 })
    const before = liveTensors()
    await draw(true, { samples: 2, guidance: 1 })
    expect(liveTensors()).toBe(before)
  })
})

describe('prediction', () => {
  const predict = (options: Parameters<typeof predictOptions>[0], model = models.gpt) =>
    model.predict(image, predictOptions({ seed: 1, ...options }))

  it('of one sample is the sample', async () => {
    const { probabilities, samples } = await predict({})
    expect(samples!.shape).toEqual([1, 1, 1, 16, 16])
    expect(probabilities.data).toEqual(samples!.data)
  })

  it('votes in steps of 1 / N, in any order of the samples', async () => {
    const { probabilities, samples, uncertainty } = await predict({ samples: 5 })
    const pixels = 256
    probabilities.data.forEach((p, i) => {
      let votes = 0
      for (let s = 4; s >= 0; s--) votes += samples!.data[s * pixels + i]!
      expect(p).toBe(Math.fround(votes / 5))
    })
    expect(Math.min(...uncertainty!.data)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...uncertainty!.data)).toBeLessThanOrEqual(1)
  })

  it('depends on the seed and on the number of the image, not on its neighbours', async () => {
    const two = await models.gpt.predict(
      image.expand([2, -1, -1, -1]).contiguous(),
      predictOptions({ seed: 1, samples: 3 }),
    )
    const first = await predict({ samples: 3 })
    const second = await predict({ samples: 3, firstImage: 1 })
    const pick = (n: number) =>
      [0, 1, 2].flatMap((s) =>
        Array.from(two.samples!.data.subarray((s * 2 + n) * 256, (s * 2 + n + 1) * 256)),
      )
    expect(pick(0)).toEqual(Array.from(first.samples!.data))
    expect(pick(1)).toEqual(Array.from(second.samples!.data))
    expect(first.samples!.data).not.toEqual(second.samples!.data)
  })

  it('shows every class at every scale, the last being the sample', async () => {
    const { stages, samples } = await predict({ stages: true }, models.var)
    expect(stages!.map(({ name }) => name)).toEqual(['1x1', '2x2', '4x4'])
    expect(stages!.map(({ probabilities }) => probabilities.shape)).toEqual(new Array(3).fill([1, 2, 16, 16]))
    expect(Array.from(stages![2]!.probabilities.data, (p) => (p > 0.5 ? 1 : 0))).toEqual(
      Array.from(samples!.data),
    )
  })
})

describe('temperatures', () => {
  it('are taken as they are, or stretched between first and last', () => {
    expect(stretchTemperatures([1, 0.5], 2)).toEqual([1, 0.5])
    expect(stretchTemperatures([1], 3)).toEqual([1, 1, 1])
    expect(stretchTemperatures([1, 0], 3)).toEqual([1, 0.5, 0])
    expect(stretchTemperatures([1, 0.8, 0.2], 2)).toEqual([1, 0.2])
  })
})
