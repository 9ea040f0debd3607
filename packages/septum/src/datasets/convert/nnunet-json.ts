import type { FolderDataset } from '../dataset.js'

/**
 * `dataset.json` of nnU-Net v2 for labels 1 to `labels`.
 * Regions are listed from the largest to the smallest, and `regions_class_order` names for each the label that it
 * has beyond the later ones: nnU-Net paints them in this order, and the last one wins.
 */
export function nnunetJson(dataset: FolderDataset, training: number, ending: string, labels: number): object {
  const { name, classes, regions, imageChannels, channelNames, ignoreLabel, description } = dataset
  const channels = channelNames ?? (imageChannels === 3 ? ['red', 'green', 'blue'] : numbered(imageChannels))
  const order = classes
    .map((key, index) => ({ key, members: regions?.[index] ?? [index + 1] }))
    .sort((a, b) => (regions ? b.members.length - a.members.length : 0))
  const paints = order.map(({ members }, index) => {
    const later = new Set(order.slice(index + 1).flatMap((other) => other.members))
    return members.find((label) => !later.has(label)) ?? members[0]!
  })
  const entries = order.map(({ key, members }): [string, number | readonly number[]] => [
    key,
    regions ? members : members[0]!,
  ])
  return {
    channel_names: Object.fromEntries(channels.map((channel, index) => [index, channel])),
    labels: {
      background: 0,
      ...Object.fromEntries(entries),
      ...(ignoreLabel === undefined ? {} : { ignore: labels + 1 }),
    },
    ...(regions ? { regions_class_order: paints } : {}),
    numTraining: training,
    file_ending: ending,
    name,
    ...(description.licence ? { licence: description.licence } : {}),
    ...(description.source ? { reference: description.source } : {}),
  }
}

const numbered = (count: number) => Array.from({ length: count }, (_, index) => `channel ${index}`)
