import { LabelFusion, type LabelRule } from '@septum/core'

type Regions = readonly (readonly number[])[]

/**
 * How classes are written into a mask of one label a sample: class i as i + 1. Of regions, which may overlap, each is
 * painted with a label that lies in it and in none of fewer labels, those of fewer labels over the others, so that the mask
 * read by the labels of the data set gives nested regions back: with whole = 1 + 2 + 3, core = 1 + 3 and enhancing = 3 the
 * labels are 2, 1 and 3, painted in this order.
 */
export function labelRule(classes: number, regions?: Regions): LabelRule {
  if (!regions) return { labels: Array.from({ length: classes }, (_, c) => c + 1) }
  const labels = regions.map((own) => {
    const inner = regions.filter((other) => other.length < own.length).flat()
    return own.find((label) => !inner.includes(label)) ?? own[0]!
  })
  const order = regions
    .map((own, c) => ({ size: own.length, c }))
    .sort((a, b) => b.size - a.size || a.c - b.c)
    .map(({ c }) => c)
  return { labels, order }
}

/** One label map by {@link labelRule}. @param maps of each class, all of one length @param regions labels of each class */
export function labelMap(maps: readonly Float32Array[], regions?: Regions): Uint8Array {
  const fusion = new LabelFusion(maps[0]!.length, labelRule(maps.length, regions))
  for (const [c, map] of maps.entries()) fusion.add(c, map)
  return fusion.labels
}
