import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Random, silentReporter } from '@septum/core'
import { manualSeed, saveTensors, setThreads, tensor } from '@septum/torch'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { Folder } from '../datasets/testing.js'
import { evaluateFolders } from '../evaluation/index.js'
import { readImage } from '../formats/index.js'
import { predictBundles } from '../inference/index.js'
import { runConfigSchema } from '../training/api.js'
import { predictRun } from '../training/predict.js'
import { buildModel } from '../training/run-folder.js'
import { exportRun } from './export-run.js'

setThreads(1)

const names = ['a', 'b', 'c']
const size = [32, 32] as const
const signal = new AbortController().signal
let folder: Folder
let run: string
beforeAll(async () => {
  folder = new Folder()
  const random = new Random(7)
  for (const name of names) {
    const values = () => Uint8Array.from({ length: 32 * 32 }, () => random.int(256))
    await folder.picture(`data/images/${name}.png`, size, values())
    // Every label of the data set: 1 necrosis, 2 oedema, 3 enhancing.
    await folder.picture(
      `data/masks/${name}.png`,
      size,
      values().map((value) => value >> 6),
    )
  }
  folder.text(
    'data/dataset.yaml',
    stringify({
      classes: [
        { name: 'enhancing', region: [3] },
        { name: 'whole', region: [1, 2, 3] },
        { name: 'core', region: [1, 3] },
      ],
    }),
  )
  folder.text('data/splits.json', '{"by":"patient","scheme":"hand","train":["a"],"val":["b","c"],"test":[]}')
  run = join(folder.dir, 'run')
  mkdirSync(run)
  const config = runConfigSchema.parse({
    method: 'unet',
    data: { path: join(folder.dir, 'data'), imageSize: [32, 32] },
    options: { widths: [8, 16] },
  })
  const task = {
    dimensions: 2,
    imageChannels: 1,
    classes: ['enhancing', 'whole', 'core'],
    regions: [[3], [1, 2, 3], [1, 3]],
    raters: 1,
    imageSize: [32, 32],
  } as const
  manualSeed(3)
  const model = buildModel(config, task, 'cpu')
  writeFileSync(join(run, 'config.yaml'), stringify(config))
  writeFileSync(join(run, 'task.json'), JSON.stringify(task))
  // Untrained weights put every sample on one side of one half: the last biases move the median there.
  const image = tensor(
    Float32Array.from({ length: 32 * 32 }, () => random.uniform()),
    { shape: [1, 1, 32, 32] },
  )
  const { probabilities } = await model
    .eval()
    .predict(image, { samples: 1, seed: 0, firstImage: 0, rule: 'vote', stages: false })
  const weights = new Map(model.stateDict())
  const [head] = [...weights].find(([name, { shape }]) => name.endsWith('bias') && `${shape}` === '3')!
  const now = weights.get(head)!.toTypedArray() as Float32Array
  const moved = now.map((bias, c) => {
    const p = probabilities.data.slice(c * 32 * 32, (c + 1) * 32 * 32).sort()[16 * 32]!
    return bias - Math.log(p / (1 - p))
  })
  weights.set(head, tensor(moved))
  saveTensors(join(run, 'weights.safetensors'), weights)
})
afterAll(() => folder.remove())

it('a bundle of a run on regions writes the masks of the run, with labels of the data set', async () => {
  const inputs = [join(folder.dir, 'data/images')]
  const [own, bundled] = ['own', 'bundled'].map((name) => join(folder.dir, name)) as [string, string]
  const common = { threads: 1, reporter: silentReporter, signal }
  await predictRun({ ...common, run, inputs, out: own, seed: 0, device: 'cpu' })
  await exportRun({ ...common, run, images: 1, version: '0.1.0' })
  await predictBundles({ ...common, bundles: [join(run, 'model')], inputs, out: bundled })

  const manifest = JSON.parse(readFileSync(join(run, 'model/model.json'), 'utf8'))
  // As nnU-Net's regions_class_order of whole, core, enhancing: 2, 1, 3.
  expect(manifest.classes.map(({ label }: { label: number }) => label)).toEqual([3, 2, 1])
  expect(manifest.paintOrder).toEqual([1, 2, 0])
  const seen = new Set<number>()
  for (const name of names) {
    const [of, from] = [own, bundled].map((out) => readImage(join(out, `${name}.png`)))
    const masks = [(await of!).data, (await from!).data]
    expect(masks[1]).toEqual(masks[0])
    for (const value of masks[0]!) seen.add(value)
  }
  // All of the labels occur, so that equality says something.
  expect([...seen].sort()).toEqual([0, 1, 2, 3])

  // Scored against the data set: Dice of each region by its labels, counted here sample by sample.
  const regions = { enhancing: [3], whole: [1, 2, 3], core: [1, 3] }
  const { evaluation } = await evaluateFolders({
    methods: [{ name: 'bundle', folder: bundled, kind: 'labels' }],
    references: join(folder.dir, 'data'),
    metrics: ['dice'],
    reporter: silentReporter,
    signal,
  })
  for (const [region, labels] of Object.entries(regions)) {
    let sum = 0
    for (const name of names) {
      const [mask, reference] = await Promise.all(
        [bundled, join(folder.dir, 'data/masks')].map(
          async (from) => (await readImage(join(from, `${name}.png`))).data,
        ),
      )
      let [both, marked] = [0, 0]
      for (let i = 0; i < 32 * 32; i++) {
        const [p, r] = [labels.includes(mask![i]!), labels.includes(reference![i]!)]
        both += Number(p && r)
        marked += Number(p) + Number(r)
      }
      sum += (2 * both) / marked
    }
    const row = evaluation.rows.find((each) => each.class === region && each.metric === 'dice')!
    expect(row.mean).toBeCloseTo(sum / names.length, 12)
  }
})
