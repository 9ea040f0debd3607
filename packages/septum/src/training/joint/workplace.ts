import { type Reporter, SeptumError } from '@septum/core'
import {
  CaseStore,
  type FolderDataset,
  openFolderDataset,
  type Preprocessing,
  preprocessedChannels,
  type SegmentationCase,
  type Splits,
  selectCases,
} from '../../datasets/index.js'
import { type DataConfig, dataOfParts } from '../data-settings.js'
import { geometryOf } from '../geometry.js'
import type { RunPart, RunTask } from '../run-task.js'
import { unlabelledCases } from '../unlabelled.js'
import { openStore, preprocessingOf, splitsOf, type Workplace, type WorkplaceOptions } from '../workplace.js'
import { joinClasses } from './classes.js'
import { JointStore, jointCase, RelabelledStore } from './store.js'

interface OpenedPart {
  readonly data: DataConfig
  readonly name: string
  readonly dataset: FolderDataset
  readonly splits: Splits
  readonly preprocessing: Preprocessing | null
  /** Channels of its images before preprocessing; more than the files have where grey ones are repeated. */
  readonly channels: number
}

/**
 * Several data sets as one. Their cases are called `<data set>/<case>` and keep their own divisions; images with one
 * channel are repeated for a network of more; masks are repeated until all cases have as many; labels become those of
 * {@link joinClasses}.
 * @throws SeptumError `joint-dimensions`, `joint-channels`, `joint-name`, `joint-classes`, and as for one data set
 */
export async function openJointWorkplace(
  data: DataConfig,
  seed: number,
  reporter: Reporter,
  { plans = false }: WorkplaceOptions,
): Promise<Workplace> {
  const parts = unifyChannels(await openParts(data, seed, reporter))
  const joint = joinClasses(
    parts.map(({ dataset }) => dataset),
    data.classes,
  )
  const stores = parts.map(({ dataset, preprocessing }) => new CaseStore(dataset, { preprocessing }))
  const selected = parts.map(({ dataset, splits }) => selectCases(dataset.cases, splits))
  const training = selected.flatMap(({ train }) => train)
  const whose = new Map(parts.flatMap(({ dataset }, i) => dataset.cases.map((entry) => [entry, i] as const)))
  const geometry = geometryOf(
    data,
    {
      dataset: {
        cases: parts.flatMap(({ dataset }) => dataset.cases),
        dimensions: 2,
        classes: joint.classes,
      },
      training,
      sizeOf: (entry) => stores[whose.get(entry)!]!.sizeOf(entry),
    },
    reporter,
    plans,
  )
  const raters = parts.map(({ dataset }) => dataset.raters.length).reduce(leastCommonMultiple)
  const opened = parts.map(({ dataset, data: own, preprocessing }) =>
    openStore(dataset, own, { preprocessing, foreground: geometry.patches !== null, size: geometry.size }),
  )
  const ready = await Promise.all(
    parts.map(async ({ name, dataset, splits, data: own }, i) => {
      const { train, unlabelled } = await unlabelledCases(selected[i]!.train, {
        dataset,
        splits,
        data: own,
        reporter,
      })
      const named = (list: readonly SegmentationCase[]) => list.map((entry) => jointCase(name, entry))
      const { val, test } = selected[i]!
      return {
        train: named(train),
        val: named(val),
        test: named(test),
        unlabelled: named(unlabelled),
        bare: unlabelled,
      }
    }),
  )
  requireAll(parts, ready)
  const dataset = together(parts, joint.classes)
  const store = new JointStore(
    dataset,
    parts.map(({ name, dataset: own }, i) => ({
      name,
      store: new RelabelledStore(opened[i]!.store, joint.parts[i]!.labels, raters),
      // Foreign images without masks are cases of this part too.
      cases: [...own.cases, ...ready[i]!.bare],
    })),
  )
  const { preprocessing, channels } = parts[0]!
  const task: RunTask = {
    dimensions: 2,
    imageChannels: resultChannels(preprocessing, channels),
    classes: joint.classes,
    raters,
    imageSize: geometry.size,
    maxValue: parts[0]!.dataset.description.maxValue,
    ...(parts.some(({ dataset: own }) => own.ignoreLabel !== undefined) ? { ignores: true } : {}),
    ...(preprocessing ? { preprocessing, storedChannels: channels } : {}),
    ...geometry.task,
    parts: parts.map((part, i) => describe(part, joint.parts[i]!)),
  }
  for (const [i, part] of parts.entries()) {
    const counts = `${ready[i]!.train.length} training, ${ready[i]!.val.length} validation, ${ready[i]!.test.length} test cases`
    const shown = joint.parts[i]!.annotated.map((k) => joint.classes[k]).join(', ')
    reporter.info(`${part.name}: ${counts}; ${part.dataset.classes.join(', ')} learnt as ${shown}.`)
  }
  const all = (of: 'train' | 'val' | 'test' | 'unlabelled') => ready.flatMap((one) => one[of])
  return {
    dataset,
    task,
    store,
    splits: joinSplits(parts),
    cases: { train: all('train'), val: all('val'), test: all('test') },
    unlabelled: all('unlabelled'),
    // Distances may differ from data set to data set.
    spacingMm: undefined,
    close: async () => {
      for (const one of opened) await one.close()
    },
  }
}

async function openParts(data: DataConfig, seed: number, reporter: Reporter): Promise<OpenedPart[]> {
  const opened: OpenedPart[] = []
  for (const own of dataOfParts(data)) {
    const { path, description } = own
    const dataset = await openFolderDataset(path, { reporter, description: description ?? undefined })
    const splits = await splitsOf(dataset, own, seed, reporter)
    const preprocessing = preprocessingOf(own, dataset, reporter)
    const name = (own.name ?? dataset.name).replaceAll(/[/\\]/g, '-')
    if (opened.some((other) => other.name === name)) {
      throw new SeptumError(
        'joint-name',
        `Two data sets are called ${name}`,
        'Name one in a configuration file: data: {more: [{path: DIR, name: other}]}.',
        { file: path },
      )
    }
    opened.push({ data: own, name, dataset, splits, preprocessing, channels: dataset.imageChannels })
  }
  return opened
}

const resultChannels = (preprocessing: Preprocessing | null, channels: number): number =>
  preprocessing ? preprocessedChannels(preprocessing, channels) : channels

/** Grey images get the channels of the others. @throws SeptumError `joint-dimensions`, `joint-channels`. */
function unifyChannels(parts: readonly OpenedPart[]): OpenedPart[] {
  const volumes = parts.find(({ dataset }) => dataset.dimensions === 3)
  if (volumes) {
    throw new SeptumError(
      'joint-dimensions',
      `${volumes.name} holds volumes, and several data sets are trained on as pictures`,
      'Train it alone, or on its slices.',
      { file: volumes.data.path },
    )
  }
  const wanted = Math.max(...parts.map((part) => resultChannels(part.preprocessing, part.channels)))
  return parts.map((part) => {
    const { preprocessing, channels, dataset } = part
    if (resultChannels(preprocessing, channels) === wanted) return part
    if (channels === 1 && resultChannels(preprocessing, wanted) === wanted)
      return { ...part, channels: wanted, dataset: { ...dataset, imageChannels: wanted } }
    throw new SeptumError(
      'joint-channels',
      `${part.name} gives ${resultChannels(preprocessing, channels)} channels where others give ${wanted}`,
      'Images of one channel are repeated; others need a preprocessing that gives as many channels.',
      { file: part.data.path },
    )
  })
}

/** @throws SeptumError `split-empty` for a data set that nothing is learnt from, or on which nothing is validated. */
function requireAll(
  parts: readonly OpenedPart[],
  ready: readonly Readonly<Record<'train' | 'val', readonly unknown[]>>[],
): void {
  const empty = ready.findIndex(({ train, val }) => train.length === 0 || val.length === 0)
  if (empty < 0) return
  throw new SeptumError(
    'split-empty',
    `${parts[empty]!.name} has no case left for ${ready[empty]!.train.length === 0 ? 'training' : 'validation'}`,
    'Give each data set a split with training and validation patients.',
    { file: parts[empty]!.data.path },
  )
}

function describe(
  { name, data, dataset, preprocessing }: OpenedPart,
  { labels, annotated }: { readonly labels: Uint8Array; readonly annotated: readonly number[] },
): RunPart {
  const { path, description, splits } = data
  const { classes, raters, regions } = dataset
  const used = regions ? [...new Set(regions.flat())].sort((a, b) => a - b) : classes.map((_, i) => i + 1)
  return {
    name,
    path,
    description,
    splits,
    classes,
    annotated,
    labels: used.map((own) => [own, labels[own]!] as const),
    raters: raters.length,
    ...(preprocessing ? { preprocessing } : {}),
  }
}

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b))
const leastCommonMultiple = (a: number, b: number): number => (a * b) / divisor(a, b)

/** The data sets as one, for summaries: names and licences side by side. */
function together(parts: readonly OpenedPart[], classes: readonly string[]): FolderDataset {
  const sets = parts.map(({ dataset }) => dataset)
  const list = (of: (one: FolderDataset['description']) => string | string[] | undefined) => [
    ...new Set(sets.flatMap(({ description }) => of(description) ?? [])),
  ]
  const [licences, sources] = [list(({ licence }) => licence), list(({ source }) => source)]
  const { regions: _, ...first } = sets[0]!
  return {
    ...first,
    name: parts.map(({ name }) => name).join(' + '),
    classes,
    cases: parts.flatMap(({ name, dataset }) => dataset.cases.map((entry) => jointCase(name, entry))),
    splits: undefined,
    description: {
      ...first.description,
      licence: licences.length > 0 ? licences.join('; ') : undefined,
      source: sources.length > 0 ? sources.join('; ') : undefined,
      citation: list(({ citation }) => citation),
    },
  }
}

function joinSplits(parts: readonly OpenedPart[]): Splits {
  const of = (key: 'train' | 'val' | 'test') =>
    parts.flatMap(({ name, splits }) => splits[key].map((patient) => `${name}/${patient}`))
  const labelled = parts.flatMap(({ name, splits }) =>
    (splits.labelled ?? splits.train).map((patient) => `${name}/${patient}`),
  )
  return {
    scheme: parts.map(({ name, splits }) => `${name}: ${splits.scheme}`).join('; '),
    train: of('train'),
    val: of('val'),
    test: of('test'),
    ...(parts.some(({ splits }) => splits.labelled) ? { labelled } : {}),
  }
}
