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
    ...patientsUntold([...found.keys()]),
    ...notFinite,
    ...copies.filter(({ code }) => code === 'duplicate'),
    ...unpaired,
  ]
}

/** From so many images a name on they are taken for several of one patient. */
const IMAGES_EACH = 1.3

/** Cases that count as a patient each although their names begin alike: a split would part a patient's images. */
export function patientsUntold(cases: readonly Pick<SegmentationCase, 'name' | 'patient'>[]): Finding[] {
  if (cases.some(({ name, patient }) => name !== patient)) return []
  const groups = new Map<string, string[]>()
  for (const { name } of cases) {
    const start = /^(.*\d)[_-][^_-]+$/.exec(name)?.[1]
    if (start === undefined) return []
    groups.set(start, [...(groups.get(start) ?? []), name])
  }
  const [first, second] = [...groups.values()].find((names) => names.length > 1) ?? []
  if (groups.size < 2 || cases.length < IMAGES_EACH * groups.size) return []
  return [
    {
      code: 'patients-untold',
      message: `${first} and ${second} may be of one patient, and each counts as a patient of its own`,
      hint: "Say so in dataset.yaml, or a split may part them: patient: '^(.*\\d)[_-]'.",
      case: first!,
    },
  ]
}
