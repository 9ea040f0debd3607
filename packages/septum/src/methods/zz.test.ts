import { it, expect } from 'vitest'
import { MaskAutoencoder } from './ar-seg/autoencoder.js'
import { autoencoderOptions } from './ar-seg/options.js'
import { phiIndices } from './ar-seg/quantizer.js'
import { NextScaleTransformer } from './ar-seg/transformer.js'
import { UnetNetwork } from './unet/network.js'
it('counts', () => {
  const m = new MaskAutoencoder(autoencoderOptions.parse({}))
  expect(m.parameterCount()).toBe(4393025)
  expect(phiIndices(8,4)).toEqual([0,0,1,1,2,2,3,3])
  expect(phiIndices(10,4)).toEqual([0,0,1,1,1,2,2,3,3,3])
  const u = new UnetNetwork(2, 3, 1, {widths:[64,128,256,512,1024], upsampling:'conv', deepSupervision:false})
  expect(u.parameterCount()).toBe(34527041)
  expect(new UnetNetwork(2, 3, 1, {widths:[32,64,128,256,512], upsampling:'linear', deepSupervision:false}).parameterCount()).toBe(7852545)
  const t = new NextScaleTransformer({block:'var',depth:16,width:1024,heads:16,dropout:0,levelEmbedding:true,condMean:false,context:'all',scales:[1,2,3,4,5,6,8,10,13,16],prefix:0,codes:4096,codeChannels:32,classes:1000,noClass:true})
  expect(t.parameterCount()).toBe(310283520)
})
