import { type BitMask, multiRaterScores, packMask, sampleMasks, softDice } from '@septum/core'
import { cat, F, manualSeed, noGrad, setThreads, type Tensor, tensor } from '@septum/torch'
import { beforeAll, describe, expect, it } from 'vitest'
import { PhaseRun } from '../../training/phase-run.js'
import { disc, ramp, squareBatch, squareTask } from '../testing.js'
import { ArSeg } from './model.js'
import { tinyOptions } from './testing.js'

const SIDE = 16
const TOKENS = 1 + 4 + 16
const images = { two: ramp(SIDE, 0, 1), one: ramp(SIDE, 1, 1) }
const truths = {
  two: [disc(SIDE, 3), disc(SIDE, 6)],
  one: [disc(SIDE, 4, 5, 9)],
}
type Name = keyof typeof truths
const names = Object.keys(truths) as Name[]

/** Every image with each of its equally likely masks once. */
const rows = names.flatMap((name) => truths[name].map((mask) => ({ image: images[name], mask })))
const batch = (step = 0) =>
  squareBatch(
    SIDE,
    rows.map(({ image }) => image),
    rows.map(({ mask }) => [mask]),
    step,
  )

let model: ArSeg
beforeAll(() => {
  // Tensors this small gain nothing from a second thread.
  setThreads(1)
  manualSeed(11)
  // With partial decoding scale 1 already tells the discs apart: what is drawn at later scales cannot mix them.
  model = new ArSeg(tinyOptions({ steps: 150, partialDecoding: 0.5 }, { steps: 300 }), squareTask(SIDE))
  for (const [index, phase] of model.phases().entries()) {
    const run = new PhaseRun(model, phase, index, 11, 'cpu', 'float32')
    run.begin(batch())
    for (let step = 0; step < phase.steps; step++) run.step([batch(step)])
    run.free()
  }
  model.eval().requiresGrad_(false)
}, 60_000)

const masksOf = (name: Name): Tensor =>
  tensor(truths[name].flat(), { shape: [truths[name].length, 1, SIDE, SIDE] })
const all = (): Tensor => cat(names.map(masksOf))

/** Mean Dice of logits with masks of which none is empty. */
const dice = (logits: Tensor, masks: Tensor): number => {
  const hard = logits.gt(0).float().flatten(1)
  const flat = masks.flatten(1)
  return hard
    .mul(flat)
    .sum(1)
    .mul(2)
    .div(hard.sum(1).add(flat.sum(1)))
    .mean()
    .item()
}

async function draw(name: Name, options: Parameters<typeof sampleMasks>[2]): Promise<BitMask[]> {
  const engine = model.engine()
  const condition = engine.encode(tensor(images[name], { shape: [1, 1, SIDE, SIDE] }))
  const { logits } = await sampleMasks(engine, condition, { rowsPerBatch: 64, ...options })
  engine.releaseCondition(condition)
  return logits.map((mask) => packMask(mask))
}

/** Mean over the masks of an image of the mean cross-entropy of a token. */
const crossEntropy = (name: Name): number =>
  noGrad(() => {
    const masks = masksOf(name)
    const n = masks.size(0)
    const tokens = model.autoencoder.encodeTokens(masks)
    const prefix = model.condition
      .forward(tensor(images[name], { shape: [1, 1, SIDE, SIDE] }))
      .expand([n, -1, -1])
    const classes = tensor(new Array(n).fill(0), { dtype: 'int64' })
    const logits = model.transformer.forward(
      prefix,
      classes,
      model.autoencoder.quantizer.teacherInput(tokens),
    )
    return F.crossEntropy(logits.flatten(0, 1), cat(tokens, 1).flatten()).item()
  })

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length

describe('trained autoencoder', () => {
  it('reconstructs its masks', () => {
    expect(
      dice(model.autoencoder.decodeStages(model.autoencoder.encodeTokens(all())).at(-1)!, all()),
    ).toBeGreaterThan(0.97)
  })

  it('leaves less with every scale, and never decodes worse', () => {
    noGrad(() => {
      const latent = model.autoencoder.encode(all())
      const tokens = model.autoencoder.quantizer.encodeTokens(latent)
      const rests = [latent, ...model.autoencoder.quantizer.latents(tokens).map((fhat) => latent.sub(fhat))]
      const norms = rests.map((rest) => rest.flatten(1).square().sum(1).sqrt().mean().item())
      const scores = model.autoencoder.decodeStages(tokens).map((logits) => dice(logits, all()))
      for (let k = 1; k < norms.length; k++) expect(norms[k]!).toBeLessThan(norms[k - 1]!)
      for (let k = 1; k < scores.length; k++) expect(scores[k]!).toBeGreaterThanOrEqual(scores[k - 1]!)
    })
  })

  it('uses more than a few per cent of its codes at the finest scale', () => {
    expect(model.autoencoder.quantizer.codeUsage(rows.length).at(-1)!).toBeGreaterThan(0.05)
  })
})

describe('one image, one mask', () => {
  it('is learned by heart', async () => {
    expect(crossEntropy('one')).toBeLessThan(0.01)
    const [greedy] = await draw('one', { greedy: true })
    const logits = model.autoencoder.decodeStages(model.autoencoder.encodeTokens(masksOf('one'))).at(-1)!
    expect(greedy).toEqual(packMask(logits.toArray()))
  })
})

describe('one image, two equally likely discs', () => {
  const raters = truths.two.map((mask) => packMask(mask))
  // 1 - IoU over ordered pairs, equal pairs included: (1 - |small| / |large|) / 2.
  const area = (mask: number[]) => mask.reduce((a, b) => a + b)
  const diversity = (1 - area(truths.two[0]!) / area(truths.two[1]!)) / 2

  it('a sampler comes to a GED(16) of D / 16', async () => {
    const drawn = await draw('two', { samples: 1600, seed: 3 })
    const scores = Array.from(
      { length: 100 },
      (_, i) => multiRaterScores(drawn.slice(16 * i, 16 * i + 16), raters).ged,
    )
    // With k of 16 samples the first disc, GED = D (k - 8)^2 / 64: mean D / 16, deviation of 100 of them 14 %.
    expect(mean(scores) / (diversity / 16)).toBeGreaterThan(0.55)
    expect(mean(scores) / (diversity / 16)).toBeLessThan(1.6)
  })

  it('one mask for all stays at D or more', async () => {
    const greedy = await draw('two', { samples: 16, greedy: true })
    const { ged, sampleDiversity, raterDiversity } = multiRaterScores(greedy, raters)
    expect(raterDiversity).toBeCloseTo(diversity, 12)
    expect(sampleDiversity).toBe(0)
    expect(ged).toBeGreaterThanOrEqual(diversity - 1e-9)
    for (const candidate of [...truths.two, ...truths.one, disc(SIDE, 4.5), disc(SIDE, 1)]) {
      expect(multiRaterScores([packMask(candidate)], raters).ged).toBeGreaterThanOrEqual(diversity - 1e-9)
    }
  })

  it('leave a cross-entropy of ln 2 over the number of tokens at least', () => {
    expect(crossEntropy('two')).toBeGreaterThan(Math.log(2) / TOKENS - 1e-6)
  })

  it('fused samples agree better with the raters the more there are', async () => {
    const drawn = await draw('two', { samples: 640, seed: 2 })
    const scores = [1, 2, 4, 8, 16].map((n) =>
      mean(
        Array.from({ length: drawn.length / n }, (_, i) => softDice(drawn.slice(i * n, (i + 1) * n), raters)),
      ),
    )
    for (let i = 1; i < scores.length; i++) expect(scores[i]!).toBeGreaterThan(scores[i - 1]!)
  })
})
