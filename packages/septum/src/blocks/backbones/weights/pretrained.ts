import type { Reporter } from '@septum/core'
import { loadTensors, type Tensor } from '@septum/torch'
import type { Backbone } from '../backbone.js'
import type { BackboneName } from '../build.js'
import { findWeights } from './store.js'

/** Where published weights can be had. */
const published: Record<BackboneName, string> = {
  res2net50: 'res2net50_v1b_26w_4s-3cf99910.pth of the Res2Net authors',
  resnet18: "resnet18 of torchvision's model zoo",
  resnet34: "resnet34 of torchvision's model zoo",
  resnet50: "resnet50 of torchvision's model zoo",
  vgg16: "vgg16 (without batch norm) of torchvision's model zoo",
  'pvtv2-b2': 'pvt_v2_b2.pth of the PVT authors, or pvt_v2_b2 of timm',
  'convnext-t': 'convnext_tiny of its authors, timm or torchvision',
  'convnext-b': 'convnext_base of its authors, timm or torchvision',
  'convnextv2-b': 'convnextv2_base of its authors or timm',
  'mobilenet-v2-torchvision': "mobilenet_v2 of torchvision's model zoo",
  'mobilenet-v2': 'models/mobilenet-v2-imagenet of this project',
}

/** What a person has to do for published weights of a backbone, as a sentence. */
export const howToGet = (name: BackboneName): string =>
  `For published weights, get ${published[name]} and run: septum weights import FILE`

/**
 * Gives a backbone its published weights, if they are at hand, and says plainly where it starts from.
 * @returns whether it has them
 */
export function loadPretrained(backbone: Backbone, reporter: Reporter): boolean {
  const name = backbone.name as BackboneName
  const file = findWeights(name)
  if (file === null) {
    reporter.warn(
      `The encoder ${name} starts from random weights: published ones are not at hand. ${howToGet(name)}`,
    )
    return false
  }
  const { tensors } = loadTensors(file)
  try {
    if (!fits(backbone, tensors)) {
      reporter.warn(
        `The encoder ${name} starts from random weights: the published ones fit its full width only.`,
      )
      return false
    }
    backbone.loadStateDict(tensors, { strict: false })
  } finally {
    for (const t of tensors.values()) t.free()
  }
  reporter.info(`The encoder ${name} starts from the weights in ${file}.`)
  return true
}

function fits(backbone: Backbone, tensors: ReadonlyMap<string, Tensor>): boolean {
  for (const [key, target] of backbone.stateDict()) {
    const found = tensors.get(key)
    if (key.endsWith('.num_batches_tracked') && !found) continue
    if (!found || `${found.shape}` !== `${target.shape}`) return false
  }
  return true
}
