import { votesNeeded } from '../analysis/blend.js'
import { measureMask } from '../analysis/measure.js'
import type { Derived } from '../app/derived.js'
import type { Store } from '../app/state.js'
import { heightOf, widthOf } from '../files/picture.js'
import { areaText, sides } from './numbers.js'

/** The large picture in words, for those who do not see it. */
export function describe(store: Store, derived: Derived): string {
  const { picture, result, busy } = store.session
  const { view, sample, scale, classIndex, threshold, spacingMm } = store.settings
  if (!picture) return 'No image is open.'
  const size = [heightOf(picture), widthOf(picture)] as const
  const what = `${picture.name}, ${size[1]} by ${size[0]} pixels`
  if (busy) return `${what}. The model is working.`
  const blend = derived.blend()
  if (!result || !blend) return `${what}. Not segmented yet.`
  const area = (mask: Uint8Array) => areaText(measureMask(mask, size, spacingMm).area, spacingMm)
  switch (view) {
    case 'consensus': {
      const rule =
        blend.count > 1 ? `at least ${votesNeeded(threshold, blend.count)} of ${blend.count} masks` : ''
      return `${what}. Consensus ${rule && `of ${rule} `}outlined, area ${area(derived.consensus()!)}.`
    }
    case 'uncertainty': {
      const unsure = blend.uncertainty.reduce((sum, value) => sum + Number(value > 0.5), 0)
      return `${what}. Uncertainty as a heat map; ${unsure} pixels are above one half.`
    }
    case 'sample': {
      const masks = result.classes[classIndex]!.samples
      return `${what}. Mask ${sample + 1} of ${masks.length} outlined, area ${area(masks[sample]!)}.`
    }
    case 'growth': {
      const stage = result.stages.find((each) => each.classIndex === classIndex && each.index === scale)
      return `${what}. The first mask after scale ${scale + 1}, ${sides(stage?.name ?? '')} tokens.`
    }
  }
}
