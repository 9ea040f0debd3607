import { z } from 'zod'
import type { Backbone, BackboneOptions } from './backbone.js'
import { ConvNeXt } from './convnext.js'
import { MobileNetV2 } from './mobilenet.js'
import { PvtV2B2 } from './pvt.js'
import { Res2Net50 } from './res2net.js'
import { ResNet } from './resnet.js'
import { Vgg16 } from './vgg.js'

const makers = {
  res2net50: (o: BackboneOptions) => new Res2Net50(o),
  resnet18: (o: BackboneOptions) => new ResNet('resnet18', o),
  resnet34: (o: BackboneOptions) => new ResNet('resnet34', o),
  resnet50: (o: BackboneOptions) => new ResNet('resnet50', o),
  vgg16: (o: BackboneOptions) => new Vgg16(o),
  'pvtv2-b2': (o: BackboneOptions) => new PvtV2B2(o),
  'convnext-t': (o: BackboneOptions) => new ConvNeXt('convnext-t', o),
  'convnext-b': (o: BackboneOptions) => new ConvNeXt('convnext-b', o),
  'convnextv2-b': (o: BackboneOptions) => new ConvNeXt('convnextv2-b', o),
  'mobilenet-v2': (o: BackboneOptions) => new MobileNetV2(o),
  'mobilenet-v2-torchvision': (o: BackboneOptions) => new MobileNetV2({ ...o, padding: 'torchvision' }),
} satisfies Record<string, (options: BackboneOptions) => Backbone>

export type BackboneName = keyof typeof makers

export const backboneNames = Object.keys(makers) as [BackboneName, ...BackboneName[]]

/** A backbone with random weights; `weights/pretrained.ts` gives it published ones. */
export const buildBackbone = (name: BackboneName, options: BackboneOptions = {}): Backbone =>
  makers[name](options)

/** For the options of a method. */
export const encoderOption = z
  .enum(backboneNames)
  .describe(
    'image encoder; mobilenet-v2 comes with ImageNet weights, others take theirs from septum weights import FILE',
  )

export const encoderWidthOption = z
  .number()
  .positive()
  .max(1)
  .default(1)
  .describe('factor on the widths of the encoder, for small machines; published weights fit 1 only')

export const dropPathOption = z
  .number()
  .min(0)
  .lt(1)
  .default(0)
  .describe(
    'stochastic depth: rate of the last block of convnext and pvtv2 encoders (published trainings: convnext-t 0.1, convnext-b 0.5, pvtv2-b2 0.1)',
  )
