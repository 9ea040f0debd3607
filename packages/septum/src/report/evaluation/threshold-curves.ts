import type { CurveName } from '@septum/core'
import type { Evaluation } from '../../evaluation/types.js'
import { type CurvePanel, renderCurves } from '../curves.js'

const titles: Readonly<Partial<Record<CurveName, string>>> = {
  dice: 'Dice',
  iou: 'IoU',
  f: 'F-measure',
  e: 'E-measure',
}

/**
 * Mean curves over the thresholds of the probability, and precision over recall; null where no metric swept.
 * @returns an SVG document.
 */
export function thresholdCurves({ curves, classes }: Evaluation): string | null {
  if (curves.length === 0) return null
  const nameOf = (method: string, name: string) => (classes.length > 1 ? `${method}, ${name}` : method)
  // The curves come from threshold 255 down to 0.
  const thresholds = Float64Array.from({ length: 256 }, (_, i) => (255 - i) / 255)
  const own = (curve: CurveName) => curves.filter((one) => one.curve === curve)
  const panels = (Object.entries(titles) as [CurveName, string][]).map(
    ([curve, title]): CurvePanel => ({
      title: `${title} over the threshold`,
      xLabel: 'a pixel is marked from this probability on',
      curves: own(curve).map(({ method, class: name, values }) => ({
        name: nameOf(method, name),
        x: thresholds,
        y: values,
      })),
    }),
  )
  const recall = own('recall')
  panels.push({
    title: 'Precision over recall',
    xLabel: 'recall',
    curves: own('precision').map(({ method, class: name, values }) => ({
      name: nameOf(method, name),
      x: recall.find((one) => one.method === method && one.class === name)!.values,
      y: values,
    })),
  })
  return renderCurves({ panels, theme: 'auto' })
}
