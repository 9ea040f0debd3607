import type { CaseSource, DecodedCase, FolderDataset, SegmentationCase } from '../../datasets/index.js'

/** A data set whose labels are those of several together. */
export class RelabelledStore implements CaseSource {
  /** @param labels joint label of each label of the data set @param raters masks that every case shall have */
  constructor(
    private readonly store: CaseSource,
    private readonly labels: Uint8Array,
    private readonly raters: number | null = null,
  ) {}

  get dataset(): FolderDataset {
    return this.store.dataset
  }

  sizeOf(entry: SegmentationCase): readonly number[] {
    return this.store.sizeOf(entry)
  }

  async get(entry: SegmentationCase, options: { readonly unlabelled?: boolean } = {}): Promise<DecodedCase> {
    const decoded = await this.store.get(entry, options)
    const { masks, size } = decoded
    if (masks.length === 0) return decoded
    const samples = size.reduce((a, b) => a * b, 1)
    const own = masks.length / samples
    const raters = this.raters ?? own
    const joint = new Uint8Array(raters * samples)
    for (let i = 0; i < masks.length; i++) joint[i] = this.labels[masks[i]!]!
    for (let rater = own; rater < raters; rater += own) joint.copyWithin(rater * samples, 0, own * samples)
    return {
      ...decoded,
      masks: joint,
      ...(decoded.foreground ? { foreground: this.#relabelled(decoded) } : {}),
    }
  }

  #relabelled({ foreground }: DecodedCase): NonNullable<DecodedCase['foreground']> {
    const { labels, places } = foreground!
    const joint = new Map<number, Uint32Array[]>()
    for (const [i, label] of labels.entries()) {
      const to = this.labels[label]!
      if (to > 0) joint.set(to, [...(joint.get(to) ?? []), places[i]!])
    }
    const sorted = [...joint].sort(([a], [b]) => a - b)
    return {
      labels: sorted.map(([label]) => label),
      places: sorted.map(([, lists]) => Uint32Array.from(lists.flatMap((list) => [...list])).sort()),
    }
  }
}

/** Several data sets as one, whose cases are called `<data set>/<case>`. */
export class JointStore implements CaseSource {
  readonly #origin: ReadonlyMap<string, { readonly store: CaseSource; readonly entry: SegmentationCase }>

  /** @param parts stores whose cases all have as many raters and channels */
  constructor(
    readonly dataset: FolderDataset,
    parts: readonly {
      readonly name: string
      readonly store: CaseSource
      readonly cases: readonly SegmentationCase[]
    }[],
  ) {
    this.#origin = new Map(
      parts.flatMap(({ name, store, cases }) =>
        cases.map((entry) => [`${name}/${entry.name}`, { store, entry }] as const),
      ),
    )
  }

  sizeOf({ name }: SegmentationCase): readonly number[] {
    const { store, entry } = this.#origin.get(name)!
    return store.sizeOf(entry)
  }

  async get(
    { name }: SegmentationCase,
    options: { readonly unlabelled?: boolean } = {},
  ): Promise<DecodedCase> {
    const { store, entry } = this.#origin.get(name)!
    return store.get(entry, options)
  }
}

/** A case under the name that it has among several data sets. */
export const jointCase = (part: string, entry: SegmentationCase): SegmentationCase => ({
  ...entry,
  name: `${part}/${entry.name}`,
  patient: `${part}/${entry.patient}`,
})
