import type { Tensor } from '@septum/torch'
import type { BackboneName } from '../build.js'
import { ourName } from './names.js'

/** A tensor that only this backbone has, and one that its larger relatives have and it has not. */
interface Signature {
  readonly has: string
  readonly shape: string
  readonly hasNot?: string
}

/** Shipped MobileNetV2 weights have TensorFlow's padding; published `.pth` files are torchvision's. */
const signatures: readonly (readonly [BackboneName, Signature])[] = [
  ['res2net50', { has: 'layer1.0.convs.0.weight', shape: '26,26,3,3', hasNot: 'layer3.6.conv1.weight' }],
  ['resnet18', { has: 'layer4.1.conv2.weight', shape: '512,512,3,3', hasNot: 'layer4.2.conv1.weight' }],
  ['resnet34', { has: 'layer4.2.conv2.weight', shape: '512,512,3,3', hasNot: 'layer4.2.conv3.weight' }],
  ['resnet50', { has: 'layer4.2.conv3.weight', shape: '2048,512,1,1', hasNot: 'layer3.6.conv1.weight' }],
  ['vgg16', { has: 'features.28.weight', shape: '512,512,3,3', hasNot: 'features.30.weight' }],
  ['pvtv2-b2', { has: 'block3.5.attn.q.weight', shape: '320,320', hasNot: 'block3.6.attn.q.weight' }],
  [
    'convnext-t',
    { has: 'stages.2.blocks.8.gamma', shape: '384', hasNot: 'stages.2.blocks.9.conv_dw.weight' },
  ],
  ['convnext-b', { has: 'stages.2.blocks.26.gamma', shape: '512' }],
  ['convnextv2-b', { has: 'stages.2.blocks.26.mlp.grn.weight', shape: '2048' }],
  ['mobilenet-v2-torchvision', { has: 'features.17.conv.2.weight', shape: '320,960,1,1' }],
]

/** The backbone that a file's names and a telling shape speak for, or null. */
export function recogniseBackbone(tensors: ReadonlyMap<string, Tensor>): BackboneName | null {
  for (const [name, { has, shape, hasNot }] of signatures) {
    const ours = new Map(Array.from(tensors, ([published, t]) => [ourName(name, published), t]))
    const found = ours.get(has)
    const size = found?.shape.filter((n, i) => i === 0 || found.ndim !== 3 || n !== 1)
    if (found && `${size}` === shape && !(hasNot && ours.has(hasNot))) return name
  }
  return null
}
