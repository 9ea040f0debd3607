import { expect, it } from 'vitest'
import type { CaseSource, DecodedCase, FolderDataset, SegmentationCase } from '../../datasets/index.js'
import { findForeground } from '../../datasets/index.js'
import { JointStore, jointCase, RelabelledStore } from './store.js'

const entryOf = (name: string) => ({ name, patient: name }) as SegmentationCase

function storeOf(masks: Uint8Array, samples = 4): CaseSource {
  const decoded: DecodedCase = {
    image: new Uint8Array(samples),
    maxValue: 255,
    masks,
    size: [2, 2],
    foreground: findForeground(masks, samples),
  }
  return { dataset: {} as FolderDataset, sizeOf: () => [2, 2], get: async () => decoded }
}

/** Labels 1 and 2 change places, 3 is dropped, the ignore label stays. */
const labels = new Uint8Array(256)
labels.set([0, 2, 1, 0])
labels[255] = 255

it('gives labels their joint meaning and repeats masks until there are enough', async () => {
  const store = new RelabelledStore(storeOf(Uint8Array.of(0, 1, 2, 3, 255, 1, 1, 0)), labels, 4)
  const { masks, foreground } = await store.get(entryOf('a'))
  const one = [0, 2, 1, 0, 255, 2, 2, 0]
  expect([...masks]).toEqual([...one, ...one])
  // Label 1 stands at 1 of the first mask and at 1 and 2 of the second, label 2 at 2.
  expect(foreground).toEqual({ labels: [1, 2], places: [Uint32Array.of(2), Uint32Array.of(1, 1, 2)] })
})

it('finds each case in its own data set', async () => {
  const [a, b] = [storeOf(Uint8Array.of(1, 0, 0, 0)), storeOf(Uint8Array.of(0, 0, 0, 1))]
  const cases = [entryOf('x')]
  const store = new JointStore({} as FolderDataset, [
    { name: 'one', store: a, cases },
    { name: 'two', store: b, cases },
  ])
  const masksOf = async (part: string) => [...(await store.get(jointCase(part, cases[0]!))).masks]
  expect(await masksOf('one')).toEqual([1, 0, 0, 0])
  expect(await masksOf('two')).toEqual([0, 0, 0, 1])
  expect(jointCase('two', cases[0]!)).toMatchObject({ name: 'two/x', patient: 'two/x' })
})
