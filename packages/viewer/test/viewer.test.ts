import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { openBundle } from '@septum/core'
import * as ort from 'onnxruntime-node'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runBundle } from '../src/engine/predict.js'
import { readPng } from '../src/files/png.js'
import {
  choose,
  described,
  launch,
  noChromium,
  sampleAreas,
  segment,
  textOf,
  type Visit,
  visit,
} from './browser.js'
import { fixtures, openSite, type Site } from './site.js'

describe.skipIf(noChromium)('viewer in Chromium', () => {
  let site: Site
  let browser: Browser
  let visited: Visit
  let page: Page

  beforeAll(async () => {
    ;[site, browser] = await Promise.all([openSite(), launch()])
    visited = await visit(browser, site.url)
    page = visited.page
    await segment(page)
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })

  it('shows the example with its licence, and what it must not be used for', async () => {
    expect(await textOf(page, '#credit')).toMatch(/LIDC-IDRI.*CC BY 3\.0/)
    expect(await textOf(page, '.notice')).toBe('Research use only')
    expect(await page.$$eval('#rater-grid li', (items) => items.length)).toBe(4)
  })

  it('draws the same masks as the same bundle in Node', async () => {
    const bundle = await openBundle(
      { read: (file) => readFile(join(fixtures, 'next-scale', file)) },
      { Tensor: ort.Tensor, create: (bytes) => ort.InferenceSession.create(bytes, { intraOpNumThreads: 1 }) },
    )
    const file = join(site.folder, 'examples/LIDC-IDRI-0137_n2_s02.png')
    const image = await readPng(await readFile(file), file)
    const request = { image, centre: null, samples: 8, seed: 0 }
    const { classes } = await runBundle(bundle, request, { onProgress() {}, onStage() {} })
    const areas = classes[0]!.samples.map((mask) => mask.reduce((sum, value) => sum + value, 0))
    expect(new Set(areas).size).toBeGreaterThan(1)
    expect(await sampleAreas(page)).toEqual(areas)
  })

  it('scrubs the scales by mouse and keyboard, and plays them', async () => {
    await choose(page, 'growth')
    expect(await textOf(page, '#scale-text')).toBe('Scale 4 of 4: 8 × 8 tokens')
    await page.focus('#scale')
    await page.keyboard.press('Home')
    await expect.poll(() => textOf(page, '#scale-text')).toBe('Scale 1 of 4: 1 × 1 tokens')
    expect(await described(page)).toContain('after scale 1')
    await page.click('#film button:nth-child(3)')
    await expect.poll(() => textOf(page, '#scale-text')).toBe('Scale 3 of 4: 4 × 4 tokens')
    await page.click('#film button:nth-child(1)')
    await page.click('#play')
    await expect
      .poll(() => textOf(page, '#scale-text'), { timeout: 15_000 })
      .toBe('Scale 4 of 4: 8 × 8 tokens')
    await expect.poll(() => page.getAttribute('#play', 'aria-label')).toBe('Play')
  })

  it('blends chosen masks, and undoes', async () => {
    await choose(page, 'consensus')
    await page.uncheck('#sample-grid li:nth-child(2) input')
    await expect.poll(() => textOf(page, '#blend-text')).toBe('7 of 8 blended')
    expect(await page.getAttribute('#threshold', 'max')).toBe('7')
    await page.keyboard.press('Control+z')
    await expect.poll(() => textOf(page, '#blend-text')).toBe('8 of 8 blended')
    await page.keyboard.press('Control+Shift+Z')
    await expect.poll(() => textOf(page, '#blend-text')).toBe('7 of 8 blended')
    await page.click('#blend-all')
    await expect.poll(() => textOf(page, '#blend-text')).toBe('8 of 8 blended')
  })

  it('keeps the last mask in the blend', async () => {
    for (let i = 1; i <= 8; i++) {
      await page.click(`#sample-grid li:nth-child(${i}) input`)
      // The page draws once a frame: the next click waits for it.
      await expect
        .poll(() => textOf(page, '#blend-text'), { timeout: 10_000 })
        .toBe(`${Math.max(1, 8 - i)} of 8 blended`)
    }
    await expect
      .poll(() => page.isChecked('#sample-grid li:nth-child(8) input'), { timeout: 10_000 })
      .toBe(true)
    await page.click('#blend-all')
  })

  it('a higher threshold never marks more', async () => {
    // The page may still be drawing what the run gave: the key is pressed until it is heard.
    const lowest = async () => {
      await page.press('#threshold', 'Home')
      return textOf(page, '#threshold-text')
    }
    await expect.poll(lowest, { timeout: 20_000 }).toBe('1 of 8 masks agree')
    const areas: number[] = []
    for (let votes = 1; votes <= 8; votes++) {
      await expect.poll(() => textOf(page, '#threshold-text')).toBe(`${votes} of 8 masks agree`)
      areas.push(Number((await textOf(page, '#area')).replace(/[^\d.]/g, '')))
      await page.press('#threshold', 'ArrowRight')
    }
    expect(areas).toEqual(areas.toSorted((a, b) => b - a))
    expect(areas[0]).toBeGreaterThan(areas[7]!)
    for (const area of await sampleAreas(page)) expect(area).toBeLessThanOrEqual(areas[0]!)
    await lowest()
    for (let votes = 1; votes < 5; votes++) await page.press('#threshold', 'ArrowRight')
    await expect.poll(() => textOf(page, '#threshold-text')).toBe('5 of 8 masks agree')
  })

  it('scores against the raters as long as there are raters, in plain numbers', async () => {
    const scores = () => page.$$eval('#score-rows tr', (items) => items.map(({ textContent }) => textContent))
    await expect
      .poll(async () => (await scores()).some((row) => /^Dice.*0\.\d{3}$/.test(row!)), { timeout: 10_000 })
      .toBe(true)
    const rows = await scores()
    expect(rows.some((row) => /^GED.*\d\.\d{3}$/.test(row!))).toBe(true)
    expect(rows.some((row) => /^HD95.* px$/.test(row!))).toBe(true)
  })

  it('measures in millimetres once the size of a pixel is known', async () => {
    const pixels = Number((await textOf(page, '#area')).replace(/[^\d.]/g, ''))
    await page.click('#display summary')
    await page.fill('#spacing', '0.5 x 2')
    // A pixel of 0.5 x 2 mm has 1 mm².
    await expect.poll(() => textOf(page, '#area')).toBe(`${pixels} mm²`)
    await page.fill('#spacing', 'wide')
    expect(await page.getAttribute('#spacing', 'aria-invalid')).toBe('true')
    await page.fill('#spacing', '')
    await expect.poll(() => textOf(page, '#area')).toBe(`${pixels} px`)
    await page.keyboard.press('Escape')
  })

  it('rules a distance with the keyboard', async () => {
    await page.focus('#stage')
    await page.keyboard.press('r')
    for (let i = 0; i < 3; i++) await page.keyboard.press('ArrowRight')
    for (let i = 0; i < 4; i++) await page.keyboard.press('ArrowDown')
    // 3 and 4 pixels at right angles.
    await expect.poll(() => textOf(page, '#ruler-label')).toBe('5 px')
    await page.keyboard.press('r')
    await expect.poll(() => page.isVisible('#ruler-label')).toBe(false)
  })

  async function download(selector: string): Promise<{ name: string; bytes: Buffer }> {
    const [file] = await Promise.all([page.waitForEvent('download'), page.click(selector)])
    return { name: file.suggestedFilename(), bytes: await readFile(await file.path()) }
  }

  it('saves what it shows', async () => {
    const area = Number((await textOf(page, '#area')).replace(/[^\d.]/g, ''))
    const mask = await download('#save-mask')
    expect(mask.name).toBe('Lung-nodule-raters-differ-mask.png')
    const { data, shape } = await readPng(mask.bytes, mask.name)
    expect(shape).toEqual([1, 128, 128])
    expect(Array.from(data).filter((value) => value === 255).length).toBe(area)
    const volume = gunzipSync((await download('#save-nifti')).bytes)
    expect(volume.subarray(352).reduce((sum, value) => sum + value, 0)).toBe(area)
    const probability = gunzipSync((await download('#save-probability')).bytes)
    expect(probability.length).toBe(352 + 4 * 128 * 128)
    const numbers = JSON.parse((await download('#save-numbers')).bytes.toString())
    expect(numbers).toMatchObject({
      consensus: { area },
      blend: { votes: 5, masks: 8 },
      notice: 'Research use only',
    })
    expect(numbers.samples.map((each: { area: number }) => each.area)).toEqual(await sampleAreas(page))
    const picture = await download('#save-picture')
    expect((await readPng(picture.bytes, picture.name)).shape).toEqual([3, 1024, 1024])
  })

  it('says why there is no DICOM SEG', async () => {
    expect(await page.getAttribute('#save-dicom', 'aria-disabled')).toBe('true')
    expect(await textOf(page, `#${await page.getAttribute('#save-dicom', 'aria-describedby')}`)).toContain(
      'DICOM files',
    )
  })

  it('moves the window of the model, and asks the model again', async () => {
    await page.focus('#stage')
    await page.keyboard.press('w')
    const before = await sampleAreas(page)
    for (let i = 0; i < 3; i++) await page.keyboard.press('Shift+ArrowDown')
    await segment(page)
    await expect.poll(() => sampleAreas(page)).not.toEqual(before)
    expect((await sampleAreas(page)).length).toBe(8)
  })

  it('asks no other server, and breaks no rule of its content security policy', () => {
    expect(visited.elsewhere).toEqual([])
    expect(visited.complaints).toEqual([])
    expect(site.missing).toEqual([])
  })
})
