import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { described, launch, noChromium, segment, textOf, visit } from './browser.js'
import { fixtures, openSite, type Site } from './site.js'

const pixels = 40 * 30

describe.skipIf(noChromium)('files and errors in Chromium', () => {
  let site: Site
  let browser: Browser
  let page: Page

  beforeAll(async () => {
    ;[site, browser] = await Promise.all([openSite(), launch()])
    page = (await visit(browser, site.url)).page
    await page.selectOption('#model-list', 'models/mask/')
    // A model of one mask needs no number of masks.
    await page.waitForSelector('#sample-count', { state: 'hidden' })
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })

  const open = (name: string, buffer: Buffer, mimeType = 'image/png') =>
    page.setInputFiles('#image-file', { name, mimeType, buffer })
  /** Grey, the left half bright: 20 of 40 columns above the model's 0.6. */
  const half = () => Uint8Array.from({ length: pixels }, (_, i) => (i % 40 < 20 ? 200 : 100))
  const raw = { raw: { width: 40, height: 30, channels: 1 } } as const

  it('a model of one mask has neither samples nor growth', async () => {
    await open('half.png', await sharp(half(), raw).png().toBuffer())
    await expect.poll(() => described(page)).toContain('half.png, 40 by 30 pixels')
    await segment(page)
    await expect.poll(() => textOf(page, '#area')).toBe('600 px')
    expect(await page.isVisible('#samples')).toBe(false)
    expect(await page.isDisabled('#views input[value=growth]')).toBe(true)
    expect(await textOf(page, '#threshold-text')).toBe('50 % probability')
    expect(await textOf(page, '#findings-title')).toBe('Mask')
  })

  it('16-bit greys keep their values', async () => {
    // 40,000 of 65,535 is above 0.6, 39,000 is not; both are 156 and 152 of 255 once cut to 8 bits.
    const deep = Uint16Array.from({ length: pixels }, (_, i) => (i % 40 < 10 ? 40_000 : 39_000))
    const png = await sharp(deep, raw).toColourspace('grey16').png().toBuffer()
    await open('deep.png', png)
    await segment(page)
    await expect.poll(() => textOf(page, '#area')).toBe('300 px')
  })

  it('JPEG is taken as stored, whatever its orientation tag says', async () => {
    const jpeg = await sharp(half(), raw).withMetadata({ orientation: 6 }).jpeg({ quality: 100 }).toBuffer()
    await open('turned.jpg', jpeg, 'image/jpeg')
    await expect.poll(() => described(page)).toContain('turned.jpg, 40 by 30 pixels')
    await segment(page)
    await expect.poll(() => textOf(page, '#area')).toBe('600 px')
  })

  it('an image can be dropped', async () => {
    const png = [...(await sharp(half(), raw).png().toBuffer())]
    await page.evaluate((bytes) => {
      const transfer = new DataTransfer()
      transfer.items.add(new File([new Uint8Array(bytes)], 'dropped.png', { type: 'image/png' }))
      dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, cancelable: true }))
    }, png)
    await expect.poll(() => described(page)).toContain('dropped.png')
  })

  it("raters' masks can be added and are scored", async () => {
    await segment(page)
    const mask = await sharp(
      half().map((value) => (value > 150 ? 255 : 0)),
      raw,
    )
      .png()
      .toBuffer()
    await page.setInputFiles('#rater-files', { name: 'rater.png', mimeType: 'image/png', buffer: mask })
    await expect.poll(() => textOf(page, '#score-rows')).toMatch(/Dicehigher is better1\.000/)
    const small = await sharp(new Uint8Array(4), { raw: { width: 2, height: 2, channels: 1 } })
      .png()
      .toBuffer()
    await page.setInputFiles('#rater-files', { name: 'small.png', mimeType: 'image/png', buffer: small })
    await expect.poll(() => textOf(page, '#problem-message')).toContain('2 × 2 pixels, the image 40 × 30')
  })

  it.each([
    ['notes.txt', Buffer.from('no picture'), 'neither a picture nor a volume'],
    ['scan.nii', Buffer.from('volume'), 'neither a picture nor a volume'],
    ['cut.png', 'cut', 'cannot be decoded'],
    ['huge.png', 'huge', '30000 × 30000 pixels, more than the 25 million'],
  ])('%s is refused with a sentence and what to do', async (name, content, sentence) => {
    let buffer = content as Buffer
    if (typeof content === 'string') {
      buffer = await sharp(half(), raw).png().toBuffer()
      if (content === 'cut') buffer = buffer.subarray(0, 60)
      else {
        buffer.writeUInt32BE(30_000, 16)
        buffer.writeUInt32BE(30_000, 20)
      }
    }
    await open(name, buffer)
    await expect.poll(() => textOf(page, '#problem-message')).toContain(sentence)
    expect((await textOf(page, '#problem-hint')).length).toBeGreaterThan(20)
    await page.click('#problem-close')
    await expect.poll(() => page.isVisible('#problem')).toBe(false)
  })

  it('an incomplete and an altered model are refused, a missing one too', async () => {
    const place = join(site.folder, 'models/next-scale')
    await rm(join(place, 'decoder.onnx'))
    await page.selectOption('#model-list', 'models/next-scale/')
    await expect
      .poll(() => textOf(page, '#problem-message'))
      .toMatch(/a file of it is missing.*decoder\.onnx/)
    const altered = await readFile(join(fixtures, 'next-scale/decoder.onnx'))
    altered[50]! ^= 1
    await writeFile(join(place, 'decoder.onnx'), altered)
    await page.selectOption('#model-list', 'models/mask/')
    await expect.poll(() => page.isVisible('#about-model')).toBe(true)
    await page.selectOption('#model-list', 'models/next-scale/')
    await expect.poll(() => textOf(page, '#problem-message')).toContain('not the one that was exported')
    await rm(place, { recursive: true })
    await page.selectOption('#model-list', 'models/mask/')
    await page.selectOption('#model-list', 'models/next-scale/')
    await expect.poll(() => textOf(page, '#problem-message')).toContain('There is no model in this place')
    await cp(join(fixtures, 'next-scale'), place, { recursive: true })
  })

  it('a bundle folder can be opened from the disk', async () => {
    await page.setInputFiles('#model-files', join(fixtures, 'next-scale'))
    await expect
      .poll(() => page.$eval('#model-list', (list) => (list as HTMLSelectElement).selectedOptions[0]?.text))
      .toBe('next-scale (opened here)')
    await page.selectOption('#image-list', 'LIDC-IDRI-0219_n0_s02')
    await expect.poll(() => described(page)).toContain('128 by 128')
    await segment(page)
    expect(await page.$$eval('#sample-grid li', (items) => items.length)).toBe(8)
  })
})
