import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CaseStore, type FolderDataset } from '../datasets/index.js'
import { majority } from '../evaluation/vote.js'
import { type CasePicture, worstCases } from '../evaluation/worst.js'
import { readPicture } from '../formats/index.js'
import { pictureOf } from '../training/open-run.js'
import { masksFolder } from './run.js'
import type { ScoredRun } from './summarise.js'
import type { Comparison } from './types.js'

/**
 * The worst test cases, by the leading metric averaged over the methods, with the masks that each method gave in its
 * first run that tests the case.
 */
export async function worstPictures(
  { evaluation }: Comparison,
  dataset: FolderDataset,
  scored: readonly ScoredRun[],
  count: number,
): Promise<CasePicture[]> {
  if (evaluation === null) return []
  const store = new CaseStore(dataset)
  const pictures: CasePicture[] = []
  for (const name of worstCases(evaluation, count)) {
    const entry = dataset.cases.find((one) => one.name === name)
    if (!entry) continue
    const { width, height, channels, image, masks } = await pictureOf(store, entry)
    const pixels = width * height
    const colours = channels === 3 ? 3 : 1
    const bytes = new Uint8Array(pixels * colours)
    for (let c = 0; c < colours; c++)
      for (let i = 0; i < pixels; i++) bytes[i * colours + c] = Math.round(255 * image[c * pixels + i]!)
    const raters = Array.from({ length: (masks?.length ?? 0) / pixels }, (_, r) =>
      masks!.subarray(r * pixels, (r + 1) * pixels),
    )
    const methods: CasePicture['methods'][number][] = []
    for (const method of evaluation.methods) {
      const file = maskFile(scored, method, name)
      if (!file) continue
      const { data } = await readPicture(file)
      const labels = Uint8Array.from(data.subarray(0, pixels))
      methods.push({ name: method, masks: evaluation.classes.map((_, c) => maskOf(labels, c)) })
    }
    pictures.push({
      name,
      width,
      height,
      image: bytes,
      plane: null,
      reference: evaluation.classes.map((_, c) =>
        raters.length === 0 ? new Uint8Array(pixels) : majority(raters.map((labels) => maskOf(labels, c))),
      ),
      methods,
    })
  }
  return pictures
}

function maskFile(scored: readonly ScoredRun[], method: string, name: string): string | undefined {
  return scored
    .filter(({ run }) => run.entry === method)
    .map(({ run }) => join(masksFolder(run.folder), `${name}.png`))
    .find((file) => existsSync(file))
}

const maskOf = (labels: Uint8Array, index: number): Uint8Array =>
  labels.map((value) => (value === index + 1 ? 1 : 0))
