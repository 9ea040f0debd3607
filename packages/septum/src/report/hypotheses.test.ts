import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { type HypothesisCase, lesionArea } from './cases.js'
import { formatScore, renderHypothesesFigure } from './hypotheses.js'
import { magma, probabilityGrey } from './palette.js'
import { svgToPng } from './raster.js'

/** A 64x64 grey image with a bright 8x8 square at columns and rows 40..47, marked by the first rater only. */
function squareCase(name = 'case 1'): HypothesisCase {
  const square = Uint8Array.from({ length: 64 * 64 }, (_, i) => {
    const [x, y] = [i % 64, Math.floor(i / 64)]
    return Number(x >= 40 && x < 48 && y >= 40 && y < 48)
  })
  const map = Float32Array.from(square)
  return {
    name,
    image: { width: 64, height: 64, data: square.map((value) => 80 + 120 * value) },
    raters: [square, new Uint8Array(64 * 64)],
    stages: [
      { label: '1x1', probabilities: map.map((value) => value / 2) },
      { label: '2x2', probabilities: map },
    ],
    samples: [square, square, new Uint8Array(64 * 64)],
    consensus: map.map((value) => (2 / 3) * value),
    uncertainty: map.map((value) => 0.5 * value),
    scores: { GED: 0.125, Dice: Number.NaN },
  }
}

describe('lesionArea', () => {
  it('is a square of at least 32 pixels around the marks, inside the image', () => {
    // 8 pixels of marks need 12; 32 is the least; centred at 44 it would be 28..59.
    expect(lesionArea(squareCase())).toEqual({ x: 28, y: 28, width: 32, height: 32 })
  })

  it('is moved into the image at its border', () => {
    const item = squareCase()
    const corner = Uint8Array.from(item.raters[1]!)
    corner[0] = 1
    const onlyCorner = { ...item, raters: [corner], consensus: new Float32Array(64 * 64) }
    expect(lesionArea(onlyCorner)).toEqual({ x: 0, y: 0, width: 32, height: 32 })
  })

  it('is the whole image where nothing is marked, or on request', () => {
    const whole = { x: 0, y: 0, width: 64, height: 64 }
    expect(lesionArea({ ...squareCase(), raters: [], consensus: new Float32Array(64 * 64) })).toEqual(whole)
    expect(lesionArea({ ...squareCase(), crop: 'whole' })).toEqual(whole)
  })
})

describe('renderHypothesesFigure', () => {
  it('draws a PNG of the stated size with white paper and the brightness of the image', async () => {
    const svg = await renderHypothesesFigure({ cases: [squareCase()], theme: 'light' })
    const [, width = 0, height = 0] = /width="([\d.]+)" height="([\d.]+)"/.exec(svg)!.map(Number)
    const { data, info } = await sharp(svgToPng(svg, { scale: 2 }))
      .raw()
      .toBuffer({ resolveWithObject: true })
    expect([info.width, info.height]).toEqual([Math.ceil(width * 2), Math.ceil(height * 2)])
    const pixel = (x: number, y: number) => [
      ...data.subarray((y * info.width + x) * info.channels).subarray(0, 3),
    ]
    expect(pixel(2, 2)).toEqual([255, 255, 255])
    // Image tile: left 36, top 12 + 50 + 30 (headings, case name), side 156 for 64 pixels: 2.4375 units each.
    const at = (column: number, row: number) =>
      pixel(Math.round(2 * (36 + (column + 0.5) * 2.4375)), Math.round(2 * (92 + (row + 0.5) * 2.4375)))
    expect(at(10, 10)).toEqual([80, 80, 80])
    expect(at(43, 43)).toEqual([200, 200, 200])
  })

  it('keeps hostile case names harmless and readable as XML', async () => {
    const name = `</text><script>alert("x")</script>&\u0000'${'long '.repeat(40)}`
    const svg = await renderHypothesesFigure({ cases: [squareCase(name)], title: name, theme: 'light' })
    expect(svg).not.toContain('<script>')
    expect(svgToPng(svg, { scale: 0.5 }).length).toBeGreaterThan(1000)
  })

  it('leaves out columns that no case can fill', async () => {
    const bare = { ...squareCase(), stages: [], samples: [], raters: [] }
    const svg = await renderHypothesesFigure({ cases: [bare] })
    for (const absent of ['Coarse to fine', 'Plausible masks', 'raters']) expect(svg).not.toContain(absent)
    expect(svg).toContain('Prediction')
  })

  it('draws RGB images and images that are not square', async () => {
    const size = 6 * 4
    const colour = new Float32Array(3 * size).fill(0.5)
    const empty = new Float32Array(size)
    const item = { ...squareCase(), image: { width: 6, height: 4, data: colour }, raters: [], samples: [] }
    const svg = await renderHypothesesFigure({
      cases: [{ ...item, stages: [], consensus: empty, uncertainty: empty }],
    })
    expect(svgToPng(svg, { scale: 1 }).length).toBeGreaterThan(1000)
  })

  it.each([
    ['without a case', [], 'figure-empty'],
    ['with a map of another size', [{ ...squareCase(), consensus: new Float32Array(3) }], 'figure-size'],
    [
      'with a crop outside',
      [{ ...squareCase(), crop: { x: 40, y: 0, width: 32, height: 32 } }],
      'figure-crop',
    ],
  ])('refuses a figure %s', async (_, cases, code) => {
    await expect(renderHypothesesFigure({ cases })).rejects.toMatchObject({ code })
  })
})

describe('svgToPng', () => {
  it.each([
    ['<svg', 1, 'svg-invalid'],
    ['<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>', 0, 'png-scale'],
  ])('refuses %s at scale %d', (svg, scale, code) => {
    expect(() => svgToPng(svg, { scale })).toThrow(expect.objectContaining({ code }))
  })
})

describe('colours', () => {
  // matplotlib 3.5: cm.magma(0), cm.magma(255) and cm.magma(127), times 255; nine stops keep within 5 of 255.
  it.each([
    [0, [0, 0, 4]],
    [1, [252, 253, 191]],
    [127 / 255, [181, 54, 122]],
    [-3, [0, 0, 4]],
    [Number.NaN, [0, 0, 4]],
  ])('magma(%d)', (value, expected) => {
    magma(value).forEach((channel, i) => {
      expect(Math.abs(channel - expected[i]!)).toBeLessThanOrEqual(5)
    })
  })

  it('grey ends at white', () => expect(probabilityGrey(1)).toEqual([255, 255, 255]))
})

it('writes scores with three decimals, a dash for none', () => {
  expect([0.12345, Number.NaN].map(formatScore)).toEqual(['0.123', '–'])
})
