import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { unzipSync } from 'fflate'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launch, noChromium, textOf, type Visit, visit } from './browser.js'
import { fixtures, openSite, type Site } from './site.js'

const volumes = join(fixtures, 'volumes')

describe.skipIf(noChromium)('dragging in Chromium', () => {
  let site: Site
  let browser: Browser
  let visited: Visit
  let page: Page
  let folder: string

  beforeAll(async () => {
    ;[site, browser] = await Promise.all([openSite(), launch()])
    visited = await visit(browser, site.url)
    page = visited.page
    folder = await mkdtemp(join(tmpdir(), 'septum-viewer-drop-'))
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await site?.close()
    await rm(folder, { recursive: true })
  })

  const drawn = () => page.getAttribute('#volume-stage', 'data-drawn')

  /** Drags files of this computer over the page as the desktop does, and lets go of them. */
  async function drop(...files: string[]): Promise<void> {
    const session = await page.context().newCDPSession(page)
    const [x, y] = [600, 400]
    const data = { items: [], files, dragOperationsMask: 1 }
    await session.send('Input.dispatchDragEvent', { type: 'dragEnter', x, y, data })
    await session.send('Input.dispatchDragEvent', { type: 'dragOver', x, y, data })
    await page.waitForSelector('#drop:not([hidden])')
    await session.send('Input.dispatchDragEvent', { type: 'drop', x, y, data })
    await session.detach()
    await page.waitForSelector('#drop', { state: 'hidden' })
  }

  it('a dropped folder of a series is opened whole, with the folders in it', async () => {
    const series = join(folder, 'case-3')
    const inner = join(series, 'second half')
    await mkdir(inner, { recursive: true })
    await writeFile(join(series, 'notes.txt'), 'no image')
    const slices = Object.entries(unzipSync(readFileSync(join(volumes, 'series.zip'))))
    for (const [i, [name, bytes]] of slices.entries()) {
      await writeFile(join(i < 5 ? series : inner, name.split('/').at(-1)!), bytes)
    }
    await drop(series)
    await expect.poll(drawn, { timeout: 20_000 }).toContain('10 DICOM files')
    expect(await textOf(page, '#slice-text')).toBe('Axial slice 6 of 10')
  })

  it('a folder without an image is said', async () => {
    const empty = join(folder, 'texts')
    await mkdir(empty)
    for (const name of ['a.txt', 'b.txt']) await writeFile(join(empty, name), 'no image')
    await drop(empty)
    await expect.poll(() => textOf(page, '#problem-message')).toContain('nothing among these files')
    await page.click('#problem-close')
  })

  it('a dropped file is opened', async () => {
    await drop(join(volumes, 'oblique.nii.gz'))
    await expect.poll(drawn, { timeout: 20_000 }).toContain('oblique.nii.gz')
  })

  describe('the right button', () => {
    const greys = () =>
      page.$$eval('#grey-low, #grey-high', (inputs) =>
        inputs.map((input) => (input as HTMLInputElement).valueAsNumber),
      )
    /** Mean grey of the canvas, 0 to 255. */
    const brightness = () =>
      page.evaluate(async () => {
        const canvas = document.querySelector<HTMLCanvasElement>('#volume-canvas')!
        const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d')!
        // WebGL empties its canvas after a frame: it is copied in the frame that draws it.
        window.dispatchEvent(new Event('resize'))
        await new Promise(requestAnimationFrame)
        copy.drawImage(canvas, 0, 0)
        const { data } = copy.getImageData(0, 0, canvas.width, canvas.height)
        let sum = 0
        for (let i = 0; i < data.length; i += 4) sum += data[i]!
        return sum / (data.length / 4)
      })
    async function drag(dx: number, dy: number): Promise<void> {
      const box = (await page.locator('#volume-canvas').boundingBox())!
      const [x, y] = [box.x + box.width * 0.3, box.y + box.height * 0.4]
      await page.mouse.move(x, y)
      await page.mouse.down({ button: 'right' })
      await page.mouse.move(x + dx, y + dy, { steps: 4 })
      await page.mouse.up({ button: 'right' })
    }

    it.each(['oblique', 'block'])('changes contrast, of 8-bit values as of shares: %s', async (name) => {
      await page.setInputFiles('#image-file', join(volumes, `${name}.nii.gz`))
      await expect.poll(drawn, { timeout: 20_000 }).toContain(`${name}.nii.gz`)
      const place = await drawn()
      const [before, dark] = [await greys(), await brightness()]
      // A thirtieth of the range brighter.
      await drag(0, 20)
      await expect.poll(brightness).toBeGreaterThan(dark + 1)
      const after = await greys()
      expect(after[1]! - after[0]!).toBeCloseTo(before[1]! - before[0]!, 0)
      expect(after[0]).toBeLessThan(before[0]!)
      // The crosshair is left where it was, and one step takes the drag back.
      expect(await drawn()).toBe(place)
      await page.keyboard.press('Control+z')
      await expect.poll(greys).toEqual(before)
      await expect.poll(brightness).toBeCloseTo(dark, 0)
      await drag(60, 0)
      await expect
        .poll(async () => {
          const [low, high] = await greys()
          return high! - low!
        })
        .toBeGreaterThan((before[1]! - before[0]!) * 1.05)
    })
  })

  it('breaks no rule of its content security policy', () => {
    expect(visited.complaints).toEqual([])
    expect(visited.elsewhere).toEqual([])
  })
})
