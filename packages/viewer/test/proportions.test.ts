import { readFile } from 'node:fs/promises'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readPng } from '../src/files/png.js'
import { launch, noChromium, segment, textOf, visit } from './browser.js'
import { openSite, type Site } from './site.js'

/** 80 columns of 0.5 mm and 20 rows of 2 mm: 40 x 40 mm. */
const [rows, columns] = [20, 80]
/** A disc of 10 mm about the middle, as it lies in the patient. */
const inDisc = (row: number, column: number) =>
  Math.hypot((row + 0.5) * 2 - 20, (column + 0.5) * 0.5 - 20) < 10

/** A NIfTI-1 file of one slice (nifti.nimh.nih.gov/nifti-1), 200 in the disc and 60 around it. */
function phantom(): Buffer {
  const bytes = Buffer.alloc(352 + rows * columns)
  bytes.writeInt32LE(348, 0)
  for (const [at, size] of [3, columns, rows, 1, 1, 1, 1, 1].entries()) bytes.writeInt16LE(size, 40 + 2 * at)
  bytes.writeInt16LE(2, 70)
  bytes.writeInt16LE(8, 72)
  for (const [at, mm] of [1, 0.5, 2, 3].entries()) bytes.writeFloatLE(mm, 76 + 4 * at)
  bytes.writeFloatLE(352, 108)
  bytes[123] = 2
  bytes.writeInt16LE(1, 254)
  for (const [at, part] of [-0.5, 0, 0, 0, 0, -2, 0, 0, 0, 0, 3, 0].entries()) {
    bytes.writeFloatLE(part, 280 + 4 * at)
  }
  bytes.write('n+1\0', 344, 'latin1')
  for (let i = 0; i < rows * columns; i++) {
    bytes[352 + i] = inDisc(Math.floor(i / columns), i % columns) ? 200 : 60
  }
  return bytes
}
const discPixels = phantom()
  .subarray(352)
  .filter((value) => value === 200).length

describe.skipIf(noChromium)('pixels of 0.5 x 2 mm in Chromium', () => {
  let site: Site
  let browser: Browser
  let page: Page
  /** The stage on the page, and the square of 40 mm in its middle, in CSS pixels. */
  let square: { readonly left: number; readonly top: number; readonly side: number }

  beforeAll(async () => {
    ;[site, browser] = await Promise.all([openSite(), launch()])
    page = (await visit(browser, site.url)).page
    await page.selectOption('#model-list', 'models/mask/')
    await page.waitForSelector('#sample-count', { state: 'hidden' })
    await page.setInputFiles('#image-file', {
      ...{ name: 'disc.nii', mimeType: 'application/octet-stream', buffer: phantom() },
    })
    await page.waitForSelector('#canvas[aria-label*="disc.nii, 80 by 20 pixels"]')
    const box = (await page.locator('#stage').boundingBox())!
    const side = Math.min(box.width, box.height)
    square = { left: box.x + (box.width - side) / 2, top: box.y + (box.height - side) / 2, side }
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })

  /** Width and height, in pixels of the canvas, of all that is brighter than the background, or coloured. */
  const extent = (what: 'bright' | 'any' | 'coloured') =>
    page.evaluate((kind) => {
      const canvas = document.querySelector<HTMLCanvasElement>('#canvas')!
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height)
      let [left, right, top, bottom] = [Infinity, -1, Infinity, -1]
      for (let i = 0; i < data.length; i += 4) {
        const [r, g, b] = [data[i]!, data[i + 1]!, data[i + 2]!]
        const spread = Math.max(r, g, b) - Math.min(r, g, b)
        const marked = kind === 'coloured' ? spread > 60 : Math.min(r, g, b) > (kind === 'bright' ? 130 : 20)
        if (!marked) continue
        const [x, y] = [(i / 4) % canvas.width, Math.floor(i / 4 / canvas.width)]
        ;[left, right] = [Math.min(left, x), Math.max(right, x)]
        ;[top, bottom] = [Math.min(top, y), Math.max(bottom, y)]
      }
      return { width: right - left + 1, height: bottom - top + 1 }
    }, what)

  it('a slice of 40 x 40 mm is a square, a disc in it is round', async () => {
    const whole = await extent('any')
    expect(Math.abs(whole.width - whole.height)).toBeLessThanOrEqual(2)
    expect(Math.abs(whole.width - square.side)).toBeLessThanOrEqual(2)
    const { width, height } = await extent('bright')
    // Rows of 2 mm are what the disc's edge is made of: it is exact to one of them, 20 of which are the side.
    expect(Math.abs(width - height)).toBeLessThanOrEqual(square.side / rows)
    expect(width / square.side).toBeCloseTo(0.5, 1)
  })

  it('the outline of the mask lies on the disc', async () => {
    await segment(page)
    await expect.poll(() => textOf(page, '#area')).toBe(`${discPixels} mm²`)
    const { width, height } = await extent('coloured')
    expect(Math.abs(width - height)).toBeLessThanOrEqual(square.side / rows)
    expect(Math.abs(width / square.side - 0.5)).toBeLessThan(0.03)
  })

  it('the ruler measures as many millimetres along rows as across them', async () => {
    await page.click('#tool-ruler')
    const at = (x: number, y: number) =>
      [square.left + x * square.side, square.top + y * square.side] as const
    for (const to of [at(0.75, 0.5), at(0.5, 0.75), at(0.65, 0.7)]) {
      await page.mouse.move(...at(0.5, 0.5))
      await page.mouse.down()
      await page.mouse.move(...to)
      await page.mouse.up()
      // A quarter of 40 mm; then 6 and 8 mm at right angles.
      await expect.poll(async () => Number.parseFloat(await textOf(page, '#ruler-label'))).toBeCloseTo(10, 1)
      const label = (await page.locator('#ruler-label').boundingBox())!
      expect([label.x - 12, label.y - 8].map(Math.round)).toEqual(to.map((px) => expect.closeTo(px, -0.5)))
    }
    await page.click('#tool-ruler')
  })

  it('the picture is saved as it is seen, the mask on the pixels of the file', async () => {
    const saved = async (selector: string) => {
      const [file] = await Promise.all([page.waitForEvent('download'), page.click(selector)])
      return readPng(await readFile(await file.path()), file.suggestedFilename())
    }
    const [, height, width] = (await saved('#save-picture')).shape
    expect(height).toBe(width)
    expect((await saved('#save-mask')).shape).toEqual([1, rows, columns])
  })

  it("the model's window lies where it was put", async () => {
    await page.selectOption('#model-list', 'models/next-scale/')
    await page.waitForSelector('#tool-window:not([hidden])')
    await page.click('#tool-window')
    await page.mouse.click(square.left + square.side * 0.375, square.top + square.side * 0.5)
    await page.click('#tool-window')
    await segment(page)
    const [file] = await Promise.all([page.waitForEvent('download'), page.click('#save-numbers')])
    const { run } = JSON.parse((await readFile(await file.path())).toString())
    // Three eighths of 80 columns, half of 20 rows.
    expect(run.centre[0]).toBeCloseTo(10, 0)
    expect(Math.abs(run.centre[1] - 30)).toBeLessThan(0.3)
  })

  it('keeps a place under the pointer when it comes closer', async () => {
    await page.selectOption('#model-list', 'models/mask/')
    await segment(page)
    const before = await extent('coloured')
    // The disc's middle is that of the stage, so that it grows about it without leaving it.
    await page.mouse.move(square.left + square.side / 2, square.top + square.side / 2)
    await page.mouse.wheel(0, -200)
    // exp(200 * 0.0015), and a line as wide as before.
    await expect
      .poll(async () => (await extent('coloured')).width / before.width)
      .toBeCloseTo(Math.exp(0.3), 1)
    const { width, height } = await extent('coloured')
    expect(Math.abs(width - height)).toBeLessThanOrEqual((square.side / rows) * 1.4)
  })

  it('a spacing that a person enters changes the proportions at once', async () => {
    await page.click('#display summary')
    await page.fill('#spacing', '1')
    await expect
      .poll(async () => {
        const { width, height } = await extent('any')
        return width / height
      })
      .toBeCloseTo(4, 0)
    await page.keyboard.press('Escape')
  })
})
