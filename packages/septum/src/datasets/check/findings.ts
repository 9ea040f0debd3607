import type { FolderDataset, SegmentationCase } from '../dataset.js'
import { splitNames } from '../splits.js'
import type { CaseStatistics } from './case-statistics.js'
import type { Duplicate, Finding } from './types.js'

/** Images that occur more than once by content. */
export function duplicatesOf(
  { splits }: FolderDataset,
  found: ReadonlyMap<SegmentationCase, CaseStatistics>,
): Duplicate[] {
  const byHash = new Map<string, SegmentationCase[]>()
  for (const [entry, { imageHash }] of found) byHash.set(imageHash, [...(byHash.get(imageHash) ?? []), entry])
  const partOf = (patient: string) => splitNames.filter((part) => splits?.[part].includes(patient))
  return [...byHash.values()]
    .filter((entries) => entries.length > 1)
    .map((entries) => {
      const parts = splitNames.filter((part) => entries.some(({ patient }) => partOf(patient).includes(part)))
      return {
        cases: entries.map(({ name }) => name),
        parts,
        leak: parts.length > 1,
        patients: new Set(entries.map(({ patient }) => patient)).size,
      }
    })
}

/** What a person should look at, leaks between the parts of the split first. */
export function warningsOf(
  orphans: readonly string[],
  found: ReadonlyMap<SegmentationCase, CaseStatistics>,
  duplicates: readonly Duplicate[],
): Finding[] {
  const unpaired = orphans.map((file) => ({
    code: 'mask-orphan',
    message: 'The mask belongs to no image',
    hint: 'Add the image of this name, or remove the mask.',
    file,
  }))
  const notFinite = [...found].flatMap(([entry, { channels }]) => {
    const count = channels.reduce((sum, channel) => sum + channel.notFinite, 0)
    const place = { case: entry.name, file: entry.images[0]!.file }
    return count === 0
      ? []
      : [
          {
            code: 'image-not-finite',
            message: `The image holds ${count} samples that are no numbers`,
            hint: 'Replace them, e.g. by the value of air, before training.',
            ...place,
          },
        ]
  })
  const copies = duplicates.map(({ cases: names, parts, leak, patients }) => ({
    code: leak ? 'duplicate-leak' : 'duplicate',
    message: `${names.slice(0, 4).join(', ')}${names.length > 4 ? ` and ${names.length - 4} more` : ''} hold the same image${
      leak ? `, in ${parts.join(' and ')}` : ''
    }`,
    hint: leak
      ? 'Keep one of them, or give them one patient, or a score is taken on what was trained on.'
      : patients > 1
        ? 'Keep one of them, or give them one patient, so that no split can part them.'
        : 'Keep one of them unless they are meant to count more.',
    case: names[0]!,
  }))
  return [
    ...copies.filter(({ code }) => code === 'duplicate-leak'),
    ...notFinite,
    ...copies.filter(({ code }) => code === 'duplicate'),
    ...unpaired,
  ]
}
