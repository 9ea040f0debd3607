import { nn, scope, type Tensor } from '@septum/torch'
import { type Backbone, buildBackbone, ConvNormReLU } from '../../blocks/backbones/index.js'
import { resizeMaps } from '../../blocks/resize.js'
import { BoxNorm } from './box-norm.js'
import type { M2SNetOptions } from './options.js'
import {
  AdditionUnit,
  BoxMeanUnit,
  DilatedUnit,
  SubtractionUnit,
  type Unit,
  type UnitSettings,
} from './units.js'

export type NetworkOptions = Pick<
  M2SNetOptions,
  | 'encoder'
  | 'encoderWidth'
  | 'channels'
  | 'kernels'
  | 'kernelShape'
  | 'unit'
  | 'normStatistics'
  | 'order'
  | 'deepSupervision'
>

const LEVELS = 5

/** Orders and levels of all units in the order of the pass; unit (n, i) makes MS_n^i. */
function unitPlaces(order: number): { n: number; i: number }[] {
  const places: { n: number; i: number }[] = []
  for (let n = 2; n <= order; n++) for (let i = LEVELS + 1 - n; i >= 1; i--) places.push({ n, i })
  return places
}

/** Released name of a unit: the levels that it has seen, deep to shallow, e.g. x5_x4_x3. */
const unitName = (n: number, i: number): string =>
  Array.from({ length: n }, (_, j) => `x${i + n - 1 - j}`).join('_')

function makeUnit(kind: NetworkOptions['unit'], settings: UnitSettings, number: number): Unit {
  switch (kind) {
    case 'released':
      return new SubtractionUnit(settings, number)
    case 'paper':
      return new BoxMeanUnit(settings)
    case 'addition':
      return new AdditionUnit(settings.channels)
    default:
      return new DilatedUnit(settings.channels, kind === 'denseaspp')
  }
}

/** 3x3 convolution to logits, named `0` as in a sequence. */
const logitsHead = (channels: number, classes: number): nn.Sequential =>
  new nn.Sequential(new nn.Conv2d(channels, classes, 3, { padding: 1 }))

/**
 * MSNet and M2SNet with the names of the released code (`resnet` is the encoder, whichever it is). With Res2Net-50
 * and one class 27,692,329 and 27,692,585 parameters.
 */
export class M2SNetwork extends nn.Module {
  readonly resnet: Backbone
  readonly #parts = new Map<string, nn.Module>()
  readonly #norms = new Map<number, BoxNorm>()

  constructor(
    classes: number,
    private readonly options: NetworkOptions,
  ) {
    super()
    const { channels, order, unit, kernels, kernelShape: shape, normStatistics } = options
    this.resnet = buildBackbone(options.encoder, { width: options.encoderWidth })
    const places = unitPlaces(order)
    const uses = normStatistics === 'each' ? 2 * places.length : 0
    if (unit === 'released' && places.length > 0) {
      for (const k of kernels) if (k > 1) this.#norms.set(k, new BoxNorm(channels, uses))
    }
    this.#reductions()
    const settings: UnitSettings = { channels, kernels, shape, norms: this.#norms }
    for (const [at, { n, i }] of places.entries())
      this.#parts.set(unitName(n, i), makeUnit(unit, settings, at))
    const more = ['level1', 'level2', 'level3', 'output2', 'output3', 'output4']
    if (order === LEVELS) more.push('x5_dem_4')
    for (const name of more) this.#parts.set(name, new ConvNormReLU(channels, channels))
    const sides = options.deepSupervision ? ['side2', 'side3', 'side4'] : []
    for (const name of ['output1', ...sides]) this.#parts.set(name, logitsHead(channels, classes))
  }

  /** Each level of the encoder as `channels` channels; a pooled stem that has as many is used as it is. */
  #reductions(): void {
    const { channels, order } = this.options
    const { stem, levels } = this.resnet.channels
    const add = (name: string, inChannels: number) =>
      this.#parts.set(name, new ConvNormReLU(inChannels, channels))
    if (stem !== channels) add('x1_dem_1', stem ?? levels[0])
    for (let i = 2; i <= (order > 1 ? LEVELS : LEVELS - 1); i++) add(`x${i}_dem_1`, levels[i - 2]!)
    add('x5_dem_5', levels[3])
  }

  override *children(): Generator<[string, nn.Module]> {
    yield* super.children()
    yield* this.#parts
    for (const [k, norm] of this.#norms) yield [`conv_${k}`, norm]
  }

  #run(name: string, x: Tensor): Tensor {
    return scope(() => (this.#parts.get(name) as ConvNormReLU).forward(x))
  }

  /**
   * @param x [N, 3, H, W], normalised @returns logits [N, classes, H, W] and, with deep supervision, those of
   * decoder levels 2, 3 and 4 at the same size
   */
  forward(x: Tensor): Tensor[] {
    return scope(() => this.#forward(x))
  }

  #forward(x: Tensor): Tensor[] {
    const size = x.shape.slice(2)
    const { levels, deepest } = scope(() => this.#encode(x))
    const enhanced = scope(() => this.#pyramid(levels)) // CE^1 .. CE^4
    const decoded = this.#decode(deepest, enhanced) // D^1 logits, D^2 .. D^4
    const heads = this.options.deepSupervision
      ? decoded.slice(1).map((d, j) => this.#run(`side${j + 2}`, d))
      : []
    return [decoded[0]!, ...heads].map((logits) => resizeMaps(logits, size))
  }

  /** What is used of the encoder, so that its wide maps end here: MS_1^1 .. MS_1^5 at strides 4, 4, 8, 16, 32. */
  #encode(x: Tensor): { levels: Tensor[]; deepest: Tensor } {
    const { stem, levels } = this.resnet.forward(x)
    const first = this.#parts.has('x1_dem_1') ? this.#run('x1_dem_1', stem ?? levels[0]) : stem!
    const reduced = levels.map((level, j) =>
      this.#parts.has(`x${j + 2}_dem_1`) ? this.#run(`x${j + 2}_dem_1`, level) : level,
    )
    return { levels: [first, ...reduced], deepest: this.#run('x5_dem_5', levels[3]) }
  }

  /** Complementarity-enhanced features CE^1 .. CE^4 of the released code, without CE^5. */
  #pyramid(levels: readonly Tensor[]): Tensor[] {
    const { order } = this.options
    const sums: (Tensor | null)[] = [null, null, null, null]
    let row = levels // MS_n^1 .. MS_n^(6-n)
    for (let n = 2; n <= order; n++) {
      const next: Tensor[] = []
      for (let i = LEVELS + 1 - n; i >= 1; i--) {
        const shallow = row[i - 1]!
        const deep = n === LEVELS ? this.#run('x5_dem_4', row[i]!) : row[i]!
        const unit = this.#parts.get(unitName(n, i)) as Unit
        next[i - 1] = scope(() => unit.forward(resizeMaps(deep, shallow.shape.slice(2)), shallow))
      }
      next.forEach((map, j) => {
        sums[j] = sums[j] ? sums[j].add(map) : map
      })
      row = next
    }
    // Without differences (order 1) the levels themselves: a feature pyramid.
    const joined = sums.map((sum, j) => sum ?? levels[j]!)
    return joined.map((map, j) => (j < 3 ? this.#run(`level${j + 1}`, map) : map))
  }

  /** Deep to shallow by additions. @returns logits at stride 4, then D^2, D^3, D^4 */
  #decode(deepest: Tensor, enhanced: readonly Tensor[]): Tensor[] {
    const decoded: Tensor[] = []
    let above = deepest
    for (let i = 4; i >= 1; i--) {
      const partner = enhanced[i - 1]!
      above = scope(() => this.#run(`output${i}`, resizeMaps(above, partner.shape.slice(2)).add(partner)))
      decoded[i - 1] = above
    }
    return decoded
  }

  /**
   * Takes the weights of a released MSNet or M2SNet, whose classifier is left out. Every use of the shared norms gets
   * their statistics.
   * @throws SeptumError `state-mismatch` when a shape differs @returns names that the file lacks
   */
  loadReleased(state: ReadonlyMap<string, Tensor>): readonly string[] {
    const { missing } = this.loadStateDict(state, { strict: false })
    for (const norm of this.#norms.values()) norm.spreadStatistics()
    return missing.filter((name) => !name.includes('.uses.'))
  }
}
