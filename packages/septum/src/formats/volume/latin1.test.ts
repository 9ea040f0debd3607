import { expect, it } from 'vitest'
import { latin1 } from './latin1.js'

it('gives every byte its character, as Node does', () => {
  const bytes = Buffer.from(Uint8Array.from({ length: 20_000 }, (_, i) => (i * 7) % 256))
  expect(latin1(bytes)).toBe(bytes.toString('latin1'))
  expect(latin1(bytes, 100, 9000)).toBe(bytes.toString('latin1', 100, 9000))
  expect(latin1(bytes, 5, 5)).toBe('')
  expect(latin1(bytes, 19_990, 30_000)).toBe(bytes.toString('latin1', 19_990))
})
