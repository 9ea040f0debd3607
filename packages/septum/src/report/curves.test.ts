import { describe, expect, it } from 'vitest'
import { renderCurves, smoothed } from './curves.js'

const panel = (y: number[], yScale: 'linear' | 'log' = 'linear') => ({
  title: 'loss <b>',
  yScale,
  curves: [{ name: 'total & rest', x: y.map((_, i) => i), y }],
})

describe('smoothed', () => {
  it('is a centred mean that opens at the first point and is cut off at the last', () => {
    // Windows: {0}, {0,3,6}, {3,6,9}, {6,9,12}, {9,12}.
    expect(smoothed([0, 3, 6, 9, 12], 3)).toEqual([0, 3, 6, 9, 10.5])
    expect(smoothed([0, 6, 0], 3)).toEqual([0, 2, 3])
  })

  it('leaves out what is not finite', () => {
    expect(smoothed([0, Number.NaN, 4, 6, 8], 3)).toEqual([0, Number.NaN, 5, 6, 7])
  })
})

describe('renderCurves', () => {
  it('escapes names and gives every panel a text alternative', () => {
    const svg = renderCurves({ panels: [panel([3, 1])] })
    expect(svg).toContain('loss &lt;b&gt;: total &amp; rest from 3 to 1.')
    expect(svg).not.toContain('<b>')
  })

  it('breaks a line at NaN and leaves out values without a logarithm', () => {
    const strokes = (svg: string) => svg.match(/stroke-width="1.8"/g)?.length
    const gap = renderCurves({ panels: [panel([1, 2, Number.NaN, 2, 1], 'log')] })
    expect(gap).not.toContain('NaN')
    // Two strokes of one path: it moves twice.
    expect(/d="(M[^"]*)"[^>]*stroke-width="1.8"/.exec(gap)?.[1]?.match(/M/g)).toHaveLength(2)
    expect(strokes(renderCurves({ panels: [panel([1, 0, -1, 1], 'log')] }))).toBe(1)
  })

  it('says so when nothing was recorded', () => {
    expect(renderCurves({ panels: [panel([])] })).toContain('No values were recorded.')
  })

  it('draws 100,000 points with at most four for each half unit of width', () => {
    const y = Array.from({ length: 100_000 }, (_, i) => Math.sin(i))
    // 480 units wide: 961 columns of four points, each about 14 characters.
    expect(renderCurves({ panels: [panel(y)] }).length).toBeLessThan(961 * 4 * 16 + 8_000)
  })
})
