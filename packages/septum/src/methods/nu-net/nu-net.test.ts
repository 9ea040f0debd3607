import { rand, setThreads } from '@septum/torch'
import { expect, it } from 'vitest'
import { profile } from '../profile.js'
import { expectNetwork, networkFixtures } from '../testing/network-fixture.js'
import { NuNetNetwork, nuNetOptions } from './index.js'

setThreads(1)

const fixtures = networkFixtures(new URL('fixtures/nu-net.json', import.meta.url))

it("has PyTorch's maps and gradients", () => {
  const options = nuNetOptions.parse({ widths: [4, 4, 6, 4, 6, 8, 6, 8] })
  expectNetwork(new NuNetNetwork(3, 2, options), fixtures.small!)
})

it("has as many parameters and multiply-adds as PyTorch's at the published widths", () => {
  const network = new NuNetNetwork(3, 1, nuNetOptions.parse({}))
  // Both printed by fixtures/make_fixtures.py.
  expect(network.parameterCount()).toBe(77_052_833)
  expect(profile(network, () => network.forward(rand([1, 3, 128, 128]))).macs).toBe(10_010_140_672)
})

it('takes sides that are multiples of 128 with eight widths, of 8 with four', () => {
  const network = (widths: readonly number[]) => new NuNetNetwork(1, 1, { widths })
  expect(network(nuNetOptions.parse({}).widths.map(() => 2)).multiple).toBe(128)
  const four = network([4, 4, 6, 8])
  expect(four.multiple).toBe(8)
  expect(four.forward(rand([2, 1, 8, 24]))[0]!.shape).toEqual([2, 1, 8, 24])
})
