/** What is measured of a data set before it is planned for. */
export interface Fingerprint2d {
  /** Median [H, W] of the training images. */
  readonly medianSize: readonly [number, number]
  /** Distance of pixels along each axis; only their ratio counts. */
  readonly spacing: readonly [number, number]
  readonly cases: number
  /** Foreground classes. */
  readonly classes: number
}

export interface Plan2d {
  /** [H, W] of a patch. */
  readonly patch: readonly [number, number]
  readonly batchSize: number
}

type Pair = readonly [number, number]

/** Smallest side of a map of the yardstick network. */
const MIN_EDGE = 4
const FIRST_WIDTH = 32
const MAX_WIDTH = 512
/** Size of all maps of the yardstick that fits 8 GiB with {@link REFERENCE_BATCH} cases. */
const REFERENCE = 85_000_000
const REFERENCE_BATCH = 12
const MIN_BATCH = 2
/** A batch covers this share of all training pixels at most. */
const MOST_COVERED = 0.05

/** Python's rounding: 0.5 to the even neighbour. */
const round = (value: number): number => {
  const low = Math.floor(value)
  return value - low < 0.5 || (value - low === 0.5 && low % 2 === 0) ? low : low + 1
}

const map2 = (f: (axis: 0 | 1) => number): Pair => [f(0), f(1)]

interface Topology {
  /** Strides of each stage after the first. */
  readonly strides: readonly Pair[]
  /** The patch made larger until every stage halves evenly. */
  readonly patch: Pair
  readonly divisor: Pair
}

/** How often each axis can be halved: axes wait for finer ones until spacings agree within a factor of 2. */
function topologyOf(spacing: Pair, patch: Pair): Topology {
  const [distance, side] = [[...spacing], [...patch]]
  const divisor = [1, 1]
  const strides: Pair[] = []
  for (;;) {
    const large = [0, 1].filter((axis) => side[axis]! >= 2 * MIN_EDGE)
    const finest = Math.min(...large.map((axis) => distance[axis]!))
    const halved = large.filter((axis) => distance[axis]! / finest < 2)
    if (halved.length === 0 || (halved.length === 1 && side[halved[0]!]! < 3 * MIN_EDGE)) break
    for (const axis of halved) {
      divisor[axis]! *= 2
      distance[axis]! *= 2
      side[axis] = Math.ceil(side[axis]! / 2)
    }
    strides.push(map2((axis) => (halved.includes(axis) ? 2 : 1)))
  }
  return {
    strides,
    patch: map2((axis) => Math.ceil(patch[axis] / divisor[axis]!) * divisor[axis]!),
    divisor: [divisor[0]!, divisor[1]!],
  }
}

/** Elements of all maps that nnU-Net's plain U-Net makes of a patch: two convolutions a stage, up and down. */
function mapElements({ strides, patch }: Topology, outputs: number): number {
  const sizes: Pair[] = [patch]
  for (const stride of strides) sizes.push(map2((axis) => Math.floor(sizes.at(-1)![axis] / stride[axis])))
  const of = (stage: number) =>
    Math.min(MAX_WIDTH, FIRST_WIDTH * 2 ** stage) * sizes[stage]![0] * sizes[stage]![1]
  const down = sizes.map((_, stage) => 2 * of(stage))
  // Two convolutions and the transposed one before them.
  const up = sizes.slice(0, -1).map((_, stage) => 3 * of(stage))
  return [...down, ...up].reduce((a, b) => a + b) + outputs * sizes[0]![0] * sizes[0]![1]
}

/**
 * Patch and batch of nnU-Net's 2-D configuration (Isensee et al. 2021, its planner of version 2 with 8 GiB): the median
 * image, cut until two patches fit a plain U-Net into memory, then as many as fit and as cover 5 % of the pixels.
 */
export function planNnunet2d({ medianSize, spacing, cases, classes }: Fingerprint2d): Plan2d {
  const area = (1 / spacing[0]) * (1 / spacing[1])
  const whole = map2((axis) => round((1 / spacing[axis]) * Math.sqrt(2048 ** 2 / area)))
  let topology = topologyOf(
    spacing,
    map2((axis) => Math.min(whole[axis], medianSize[axis])),
  )
  const outputs = classes + 1
  let elements = mapElements(topology, outputs)
  while ((elements / REFERENCE_BATCH) * 2 > REFERENCE) {
    const { patch, divisor } = topology
    // The axis that is the largest share of the median image; the second of two equal ones.
    const reduced = patch[1] / medianSize[1] >= patch[0] / medianSize[0] ? 1 : 0
    const less = (by: Pair) => map2((axis) => (axis === reduced ? patch[axis] - by[axis] : patch[axis]))
    // With the divisor of the smaller patch, or valid sizes between would be skipped.
    topology = topologyOf(spacing, less(topologyOf(spacing, less(divisor)).divisor))
    elements = mapElements(topology, outputs)
  }
  const { patch } = topology
  const fitting = round((REFERENCE / elements) * REFERENCE_BATCH)
  const pixels = medianSize[0] * medianSize[1] * cases
  const covering = round((pixels * MOST_COVERED) / (patch[0] * patch[1]))
  return { patch, batchSize: Math.max(Math.min(fitting, covering), MIN_BATCH) }
}

/** Median of each axis over sizes [H, W]; the mean of the two in the middle where their number is even. */
export function medianSize(sizes: readonly (readonly number[])[]): readonly [number, number] {
  return map2((axis) => {
    const sorted = sizes.map((size) => size.at(axis - 2)!).sort((a, b) => a - b)
    const middle = sorted.length >> 1
    return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
  })
}
