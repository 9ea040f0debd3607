import { describe, expect, it } from 'vitest'
import { philox4x32, Random } from './random.js'

const words = (text: string) => Uint32Array.from(text.split(' '), (word) => Number.parseInt(word, 16))

describe('philox4x32', () => {
  // Random123, tests/kat_vectors, the three lines "philox4x32 10": counter, key, expected block.
  it.each([
    ['00000000 00000000 00000000 00000000', '00000000 00000000', '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    ['ffffffff ffffffff ffffffff ffffffff', 'ffffffff ffffffff', '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    ['243f6a88 85a308d3 13198a2e 03707344', 'a4093822 299f31d0', 'd16cfe09 94fdcceb 5001e420 24126ea1'],
  ])('gives the published block of counter %s', (counter, key, expected) => {
    const out = new Uint32Array(4)
    philox4x32(words(counter), words(key), out)
    expect([...out]).toEqual([...words(expected)])
  })
})

describe('Random', () => {
  it('reads the published zero block when seed, streams and position are zero', () => {
    const random = new Random(0)
    // 53 bits: (w0 >> 5) * 2^26 + (w1 >> 6), over 2^53.
    expect(random.uniform()).toBe(((0x6627e8d5 >>> 5) * 2 ** 26 + (0xe169c58d >>> 6)) / 2 ** 53)
    expect(random.uniform()).toBe(((0xbc57ac4c >>> 5) * 2 ** 26 + (0x9b00dbd8 >>> 6)) / 2 ** 53)
  })

  it('is a function of seed, streams and position', () => {
    const first = new Random(11, 3, 5)
    const values = Array.from({ length: 9 }, () => first.uniform())
    const again = new Random(11, 3, 5)
    for (const index of [8, 0, 3, 2, 7, 1]) {
      again.position = index
      expect(again.uniform()).toBe(values[index])
    }
    const continued = Random.from({ ...new Random(11, 3, 5).state, position: 4 })
    expect(continued.uniform()).toBe(values[4])
    expect(first.state).toEqual({ seed: 11, streams: [3, 5], position: 9 })
  })

  it('spends one position on every kind of draw', () => {
    const random = new Random(1)
    random.uniform()
    random.int(10)
    random.normal()
    expect(random.position).toBe(3)
    random.shuffle([1, 2, 3, 4])
    expect(random.position).toBe(6)
  })

  it('keeps seeds above 2^32 and every small tuple of streams apart', () => {
    const seen = new Set<number>()
    const tuples = [[], ...[0, 1, 2].map((a) => [a])] as number[][]
    for (const a of [0, 1, 2]) for (const b of [0, 1, 2]) tuples.push([a, b])
    for (const a of [0, 1]) for (const b of [0, 1]) for (const c of [0, 1]) tuples.push([a, b, c])
    tuples.push([0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [2 ** 40], [2 ** 40, 1], [2 ** 40 + 1])
    const seeds = [0, 1, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1]
    for (const seed of seeds) for (const streams of tuples) seen.add(new Random(seed, ...streams).uniform())
    expect(seen.size).toBe(seeds.length * tuples.length)
  })

  it.each([[-1], [0.5], [Number.NaN], [2 ** 53], [0, -1], [0, 1.5]])('refuses %s', (...numbers) => {
    expect(() => new Random(...(numbers as [number, ...number[]]))).toThrow(/cannot seed/)
  })

  it('refuses positions and ranges that it has not', () => {
    const random = new Random(1)
    expect(() => {
      random.position = -1
    }).toThrow(/no position/)
    random.position = 2 ** 33
    expect(() => random.uniform()).toThrow(/no position/)
    expect(() => random.int(0)).toThrow(/below 0/)
    expect(() => random.int(2 ** 33)).toThrow(/below/)
  })

  const N = 200_000

  it('is uniform: mean, variance, lag-1 correlation and 64 bins', () => {
    const random = new Random(20_240_229, 4)
    const bins = new Float64Array(64)
    let sum = 0
    let squares = 0
    let lagged = 0
    let before = 0.5
    for (let i = 0; i < N; i++) {
      const u = random.uniform()
      sum += u
      squares += (u - 0.5) ** 2
      lagged += (u - 0.5) * (before - 0.5)
      before = u
      bins[Math.floor(u * 64)]!++
    }
    // Five standard errors: sd of the mean 1/sqrt(12 N), of the variance 1/sqrt(180 N), of the product 1/(12 sqrt N).
    expect(Math.abs(sum / N - 0.5)).toBeLessThan(5 / Math.sqrt(12 * N))
    expect(Math.abs(squares / N - 1 / 12)).toBeLessThan(5 / Math.sqrt(180 * N))
    expect(Math.abs(lagged / N)).toBeLessThan(5 / (12 * Math.sqrt(N)))
    const chi = bins.reduce((total, count) => total + (count - N / 64) ** 2 / (N / 64), 0)
    // Chi-squared with 63 degrees of freedom: mean 63, sd sqrt(126) = 11.2; SciPy chi2.ppf(1 - 1e-6, 63) = 131.4.
    expect(chi).toBeLessThan(131.4)
  })

  it('is uniform across neighbouring streams at one position', () => {
    let sum = 0
    for (let stream = 0; stream < 20_000; stream++) sum += new Random(1, 2, stream).uniform()
    expect(Math.abs(sum / 20_000 - 0.5)).toBeLessThan(5 / Math.sqrt(12 * 20_000))
  })

  it('is normal: mean 0, variance 1, kurtosis 3', () => {
    const random = new Random(5)
    let sum = 0
    let squares = 0
    let fourth = 0
    for (let i = 0; i < N; i++) {
      const x = random.normal()
      sum += x
      squares += x * x
      fourth += x ** 4
    }
    // Standard errors: 1/sqrt(N), sqrt(2/N), sqrt(96/N).
    expect(Math.abs(sum / N)).toBeLessThan(5 / Math.sqrt(N))
    expect(Math.abs(squares / N - 1)).toBeLessThan(5 * Math.sqrt(2 / N))
    expect(Math.abs(fourth / N - 3)).toBeLessThan(5 * Math.sqrt(96 / N))
  })

  it('shuffles a copy into every order equally often', () => {
    const random = new Random(9)
    const counts = new Map<string, number>()
    const items = ['a', 'b', 'c']
    for (let i = 0; i < 12_000; i++) {
      const order = random.shuffle(items).join('')
      counts.set(order, (counts.get(order) ?? 0) + 1)
    }
    expect(items).toEqual(['a', 'b', 'c'])
    expect(counts.size).toBe(6)
    // 2000 expected, sd sqrt(12000 * 1/6 * 5/6) = 40.8.
    for (const count of counts.values()) expect(Math.abs(count - 2000)).toBeLessThan(5 * 40.8)
  })
})
