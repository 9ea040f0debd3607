import { backward, F, scope, type Tensor } from '@septum/torch'
import { describe, it } from 'vitest'
import { cases, expectClose, type FunctionCase, stored } from './reference.js'

type Values = Record<string, unknown>
type Call = (inputs: Tensor[], options: Values, tensors: Record<string, Tensor>) => Tensor

/** How each function takes its inputs, options and further tensors. */
const calls: Record<string, Call> = {
  interpolate: ([x], options) => F.interpolate(x!, options),
  pad: ([x], { pad, mode, value }) =>
    F.pad(x!, pad as number[], mode as 'constant', value as number | undefined),
  normalize: ([x], options) => F.normalize(x!, options),
  affineGrid: ([theta], { size, alignCorners }) =>
    F.affineGrid(theta!, size as number[], alignCorners as boolean),
  gridSample: ([x, grid], options) => F.gridSample(x!, grid!, options),
  crossEntropy: ([logits, target], options, { weight }) =>
    F.crossEntropy(logits!, target!, { ...options, weight }),
  nllLoss: ([logits, target], options, { weight }) => F.nllLoss(logits!, target!, { ...options, weight }),
  binaryCrossEntropy: ([x], options, { target, weight }) =>
    F.binaryCrossEntropy(x!, target!, { ...options, weight }),
  binaryCrossEntropyWithLogits: ([x], options, { target, weight, posWeight }) =>
    F.binaryCrossEntropyWithLogits(x!, target!, { ...options, weight, posWeight }),
  mseLoss: ([x], { reduction }, { target }) => F.mseLoss(x!, target!, reduction as F.LossReduction),
  l1Loss: ([x], { reduction }, { target }) => F.l1Loss(x!, target!, reduction as F.LossReduction),
  smoothL1Loss: ([x], options, { target }) => F.smoothL1Loss(x!, target!, options),
  klDiv: ([x], options, { target }) => F.klDiv(x!, target!, options),
}

function check(one: FunctionCase): void {
  const call = calls[one.function]
  if (!call) throw new Error(`no call for ${one.function}`)
  const inputs = one.inputs.map((name) => {
    const t = stored(one, `input/${name}`)
    return t.dtype === 'float32' ? t.clone().requiresGrad_() : t
  })
  const tensors = Object.fromEntries(
    (one.tensorOptions ?? []).map((name) => [name, stored(one, `option/${name}`)]),
  )
  const output = call(inputs, one.options, tensors)
  expectClose(output, stored(one, 'output/y'), 'output')
  if (one.upstream.length > 0) backward([output], [stored(one, 'upstream/y')])
  for (const [i, name] of one.inputs.entries()) {
    if (one.gradInputs.includes(name))
      expectClose(inputs[i]!.grad!, stored(one, `gradInput/${name}`), `gradient of ${name}`)
  }
}

describe('functions give the outputs and gradients of PyTorch', () => {
  for (const one of cases('function').filter(({ file }) => file === 'functions.safetensors')) {
    it(one.name, () => scope(() => check(one)))
  }
})
