import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { writeWhole } from '../../formats/index.js'
import { type HypothesisCase, renderHypothesesFigure, svgToPng } from '../../report/index.js'
import type { PredictedCase } from '../../training/api.js'

/** Names of scores as people know them, in the order in which a figure shows them. */
const shown = { ged: 'GED²', hmIou: 'HM-IoU', softDice: 'Soft-Dice', consensusDice: 'Dice' } as const

/** One class of a predicted case as a row of the figure. */
export function figureCase(item: PredictedCase, index = 0): HypothesisCase {
  const { width, height, image, channels } = item
  const { name, raters, samples, stages, probability, uncertainty, scores } = item.classes[index]!
  const pixels = width * height
  const data = new Float32Array(channels === 3 ? 3 * pixels : pixels)
  // Pictures are drawn pixel by pixel, tensors come plane by plane.
  for (let c = 0; c < data.length / pixels; c++) {
    for (let i = 0; i < pixels; i++) data[i * (data.length / pixels) + c] = image[c * pixels + i]!
  }
  return {
    name: item.classes.length > 1 ? `${item.name}, ${name}` : item.name,
    image: { width, height, data },
    raters,
    samples: samples.length > 1 ? samples : [],
    stages,
    consensus: probability,
    uncertainty,
    scores: Object.fromEntries(
      Object.entries(shown)
        .filter(([key]) => Number.isFinite(scores[key]))
        .map(([key, label]) => [label, scores[key]!]),
    ),
  }
}

/** Draws each class of a case into `preview/<case>.png`. @returns the number of files */
export async function writePreview(out: string, item: PredictedCase): Promise<number> {
  const folder = join(out, 'preview')
  mkdirSync(join(folder, item.name, '..'), { recursive: true })
  const cases = item.classes.map((_, index) => figureCase(item, index))
  const svg = await renderHypothesesFigure({ cases, title: item.name })
  await writeWhole(join(folder, `${item.name}.png`), svgToPng(svg, { scale: 1.5 }))
  return 1
}
