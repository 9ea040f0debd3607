import { rand, setThreads } from '@septum/torch'
import { expect, it } from 'vitest'
import { expectNetwork, networkFixtures } from '../testing/network-fixture.js'
import { ResunetPlusPlusNetwork, resunetPlusPlusOptions } from './index.js'

setThreads(1)

const fixtures = networkFixtures(new URL('fixtures/resunet-plus-plus.json', import.meta.url))

it("has PyTorch's maps and gradients", () => {
  const options = resunetPlusPlusOptions.parse({ widths: [4, 6, 8, 10, 12], ratio: 2, dilations: [2, 3] })
  expectNetwork(new ResunetPlusPlusNetwork(3, 2, options), fixtures.small!)
})

it("has as many parameters as PyTorch's at the released setting", () => {
  const options = resunetPlusPlusOptions.parse({})
  // Printed by fixtures/make_fixtures.py.
  expect(new ResunetPlusPlusNetwork(3, 1, options).parameterCount()).toBe(4_062_993)
})

it('takes sides that are multiples of 8 with five widths', () => {
  const network = new ResunetPlusPlusNetwork(
    1,
    1,
    resunetPlusPlusOptions.parse({ widths: [4, 6, 8, 10, 12] }),
  )
  expect(network.multiple).toBe(8)
  expect(network.forward(rand([2, 1, 8, 24]))[0]!.shape).toEqual([2, 1, 8, 24])
})
