import { noGrad, rand, setThreads } from '@septum/torch'
import { expect, it } from 'vitest'
import { profile } from '../profile.js'
import { expectNetwork, networkFixtures } from '../testing/network-fixture.js'
import { SelectiveLayer, SkuNetNetwork, skuNetOptions } from './index.js'

setThreads(1)

const fixtures = networkFixtures(new URL('fixtures/sku-net.json', import.meta.url))
const options = (some: object = {}) => skuNetOptions.parse(some)

it("has PyTorch's maps and gradients", () => {
  expectNetwork(new SkuNetNetwork(3, 2, options({ widths: [4, 6, 8] })), fixtures.plain!)
})

it("has PyTorch's maps and gradients with gates", () => {
  const gated = options({ widths: [4, 8], compression: 0.25, gates: true })
  expectNetwork(new SkuNetNetwork(1, 1, gated), fixtures.gated!)
})

// Printed by fixtures/make_fixtures.py.
it.each([
  [1, false, 3_934_977],
  [1, true, 3_935_473],
  [3, false, 3_935_553],
])('%i channels, gates %s: %i parameters, as in PyTorch', (channels, gates, count) => {
  expect(new SkuNetNetwork(channels, 1, options({ gates })).parameterCount()).toBe(count)
})

it('takes 5.930 G multiply-adds at 256 x 256, as in PyTorch', () => {
  const network = new SkuNetNetwork(3, 1, options())
  expect(profile(network, () => network.forward(rand([1, 3, 256, 256]))).macs).toBe(5_929_915_392)
})

it('takes the dilated convolution alone where the share is 1, the plain one where it is 0', () => {
  const layer = new SelectiveLayer(3, 4, 0.5).eval()
  const x = rand([2, 3, 9, 7])
  noGrad(() => {
    layer.excite.weight.zero_()
    for (const [bias, wanted] of [
      [1e3, layer.dilated],
      [-1e3, layer.plain],
    ] as const) {
      layer.excite.bias!.fill_(bias)
      expect(layer.forward(x).allclose(wanted.forward(x), 1e-5, 1e-6)).toBe(true)
    }
  })
})

it('refuses batches of one image', () => {
  expect(() => options({ batchSize: 1 })).toThrow('at least 2')
})
