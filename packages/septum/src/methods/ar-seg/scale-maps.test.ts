import { noGrad } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { cases, expectClose, stored } from '../../../../torch/test/reference.js'
import { areaRows, bicubicRows, ScaleMaps } from './scale-maps.js'

const resampling = cases('function').filter(
  (one) => one.function === 'areaDown' || one.function === 'bicubicUp',
)

/** First and one past the last input of each output. */
const windows = (p: number) =>
  areaRows(8, p).map((row) => [row.findIndex((w) => w > 0), row.findLastIndex((w) => w > 0) + 1])

describe('area down', () => {
  it('averages the windows of adaptive pooling', () => {
    // Section 2.2: floor(8 i / p) .. ceil(8 (i + 1) / p) - 1.
    expect(windows(7)).toEqual([
      [0, 2],
      [1, 3],
      [2, 4],
      [3, 5],
      [4, 6],
      [5, 7],
      [6, 8],
    ])
    expect(windows(6)).toEqual([
      [0, 2],
      [1, 3],
      [2, 4],
      [4, 6],
      [5, 7],
      [6, 8],
    ])
    expect(windows(5)).toEqual([
      [0, 2],
      [1, 4],
      [3, 5],
      [4, 7],
      [6, 8],
    ])
    expect(windows(3)).toEqual([
      [0, 3],
      [2, 6],
      [5, 8],
    ])
  })
})

describe('bicubic up', () => {
  it('has the weights of half-pixel centres and a = -0.75', () => {
    const half = [
      [1.109863, -0.109863],
      [1.071777, -0.071777],
      [0.895508, 0.104492],
      [0.639648, 0.360352],
    ]
    const mirrored = half.map(([a, b]) => [b!, a!]).reverse()
    bicubicRows(2, 8).forEach((row, i) => {
      row.forEach((weight, j) => {
        expect(weight).toBeCloseTo([...half, ...mirrored][i]![j]!, 6)
      })
    })
  })

  it('keeps constants: rows sum to 1, some weights are negative', () => {
    for (let p = 1; p <= 7; p++) {
      for (const row of bicubicRows(p, 8)) expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 12)
      if (p > 1) expect(Math.min(...bicubicRows(p, 8).flat())).toBeLessThan(0)
    }
  })
})

describe('both maps', () => {
  it('agree with PyTorch, as matrices and on planes', () => {
    const maps = new ScaleMaps(8)
    expect(resampling).toHaveLength(16)
    for (const one of resampling) {
      const down = one.function === 'areaDown'
      const { size } = one.options as { size: number }
      const x = stored(one, 'input/x')
      const [from, to] = down ? [8, size] : [x.size(-1), 8]
      const rows = stored(one, 'matrix/m').toArray()
      const own = (down ? areaRows(8, to) : bicubicRows(from, 8)).flat()
      own.forEach((weight, i) => {
        expect(weight).toBeCloseTo(rows[i]!, 6)
      })
      const matrix = down ? maps.down(to, 'cpu') : maps.up(from, 'cpu')
      const y = noGrad(() =>
        x
          .to({ dtype: 'float32' })
          .flatten(2)
          .matmul(matrix)
          .view([...x.shape.slice(0, 2), to, to]),
      )
      expectClose(y, stored(one, 'output/y'), one.name)
    }
  })

  it('are not inverse to each other', () => {
    // Largest deviation of A B from the identity (section 12).
    const deviation = (p: number) => {
      const a = areaRows(8, p)
      const b = bicubicRows(p, 8)
      return Math.max(
        ...a.flatMap((row, i) =>
          a.map((_, j) => Math.abs(row.reduce((sum, w, n) => sum + w * b[n]![j]!, 0) - (i === j ? 1 : 0))),
        ),
      )
    }
    expect(deviation(2)).toBeCloseTo(0.07, 2)
    expect(deviation(4)).toBeCloseTo(0.12, 2)
    expect(deviation(7)).toBeCloseTo(0.44, 2)
  })
})
