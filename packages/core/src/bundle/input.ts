import type { BundleManifest } from './manifest.js'
import { bundleProblem } from './problem.js'

/** @throws SeptumError `bundle-input` unless channels, size and number of values fit the model. */
export function checkInput(
  { channels: wanted, dimensions, size: rules }: BundleManifest,
  values: number,
  channels: number,
  size: readonly number[],
): void {
  if (channels !== wanted)
    throw bundleProblem('bundle-input', `The image has ${channels} channels, the model takes ${wanted}`)
  if (size.length !== dimensions || !size.every((side) => Number.isSafeInteger(side) && side > 0)) {
    throw bundleProblem(
      'bundle-input',
      `A size of [${size.join(', ')}] does not fit a model of ${dimensions} dimensions`,
    )
  }
  const expected = size.reduce((a, b) => a * b, channels)
  if (values !== expected)
    throw bundleProblem('bundle-input', `The image has ${values} values instead of ${expected}`)
  if (rules.fixed && size.some((side, i) => side !== rules.trained[i])) {
    throw bundleProblem(
      'bundle-input',
      `The image is ${size.join(' x ')}, the model takes ${rules.trained.join(' x ')} only`,
    )
  }
}

export interface Padded {
  readonly data: Float32Array
  readonly size: readonly number[]
}

/** Zeros at the far ends of every axis. @param data [planes, ...size] */
export function padToMultiple(
  data: Float32Array,
  planes: number,
  size: readonly number[],
  multiple: number,
): Padded {
  const to = size.map((side) => Math.ceil(side / multiple) * multiple)
  if (to.every((side, i) => side === size[i])) return { data, size }
  const out = new Float32Array(to.reduce((a, b) => a * b, planes))
  const [width, wide] = [size.at(-1)!, to.at(-1)!]
  const [height, high] = [size.at(-2)!, to.at(-2)!]
  const rows = data.length / width
  const slices = size.length === 3 ? size[0]! : 1
  const deep = size.length === 3 ? to[0]! : 1
  for (let row = 0; row < rows; row++) {
    const slice = Math.floor(row / height)
    const plane = Math.floor(slice / slices)
    const target = ((plane * deep + (slice % slices)) * high + (row % height)) * wide
    out.set(data.subarray(row * width, (row + 1) * width), target)
  }
  return { data: out, size: to }
}
