import { cpSync, mkdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { planeBundle, volumeBundle } from '../../septum/src/inference/testing.js'
import type { RunningServer } from '../../septum/src/server/serve.js'
import { commands } from '../../septum/src/server/testing/commands.js'
import { picture, type TestBed, testBed } from '../../septum/src/server/testing/test-server.js'
import { launch, noChromium, segment, textOf, type Visit, visit } from './browser.js'
import { fixtures, openSite, type Site } from './site.js'

const volumes = join(fixtures, 'volumes')
const expected: Readonly<Record<string, { readonly labels: string }>> = JSON.parse(
  readFileSync(join(volumes, 'expected.json'), 'utf8'),
)
const labelsOf = (name: string) => [...gunzipSync(Buffer.from(expected[name]!.labels, 'base64'))]

describe.skipIf(noChromium)('the page on septum serve', () => {
  let site: Site
  let bed: TestBed
  let server: RunningServer
  let browser: Browser
  let visited: Visit
  let page: Page

  beforeAll(async () => {
    ;[site, bed, browser] = await Promise.all([openSite(), testBed(), launch()])
    const data = join(bed.folder, 'images')
    mkdirSync(join(data, 'heads'), { recursive: true })
    cpSync(join(volumes, 'oblique.nii.gz'), join(data, 'heads/oblique.nii.gz'))
    const bundles = [planeBundle, volumeBundle]
    server = await bed.start({ bundles, data, viewer: site.folder })
    visited = await visit(browser, `http://127.0.0.1:${server.port}/`)
    page = visited.page
  }, 180_000)

  afterAll(async () => {
    await browser?.close()
    await bed?.close()
    await site?.close()
  })

  const drawn = () => page.getAttribute('#volume-stage', 'data-drawn')
  const requests: string[] = []
  const segmentVolume = async () => {
    await page.click('#run')
    await page.waitForSelector('#volume-exports:not([hidden])', { timeout: 60_000 })
  }
  const savedLabels = async () => {
    const [file] = await Promise.all([page.waitForEvent('download'), page.click('#save-volume')])
    return [...gunzipSync(await readFile(await file.path())).subarray(352)]
  }

  it('lists the models and the images of the server', async () => {
    page.on('request', (request) => requests.push(`${request.method()} ${new URL(request.url()).pathname}`))
    const options = (id: string) =>
      page.$$eval(`#${id} option`, (all) => all.map((option) => option.textContent ?? ''))
    expect(await options('model-list')).toEqual([
      'plane (Mean of a neighbourhood)',
      'volume (Mean of a neighbourhood)',
    ])
    await expect.poll(() => options('image-list')).toContain('heads/oblique.nii.gz')
    expect(await page.inputValue('#where')).toBe('browser')
    expect(await textOf(page, '#where-note')).toBe('The image stays in this browser: nothing is uploaded.')
  })

  it('runs on the server with an image that is there already', async () => {
    await page.selectOption('#image-list', 'server:heads/oblique.nii.gz')
    await expect.poll(drawn, { timeout: 20_000 }).toContain('oblique.nii.gz')
    await page.selectOption('#where', 'server')
    await expect.poll(() => textOf(page, '#where-note')).toMatch(/reads the image from its own folder/)
    const sent = page.waitForRequest((request) => request.method() === 'POST')
    await segmentVolume()
    expect((await sent).postData()).toBe('{"reference":"heads/oblique.nii.gz"}')
    expect(await savedLabels()).toEqual(labelsOf('oblique'))
    expect(requests.some((request) => /^GET \/v1\/jobs\/.*\/events$/.test(request))).toBe(true)
    // The result does not stay on the server.
    await expect.poll(() => requests.some((request) => /^DELETE \/v1\/jobs\//.test(request))).toBe(true)
    await expect.poll(() => server.queue.keptCount).toBe(0)
  })

  it('sends a volume as values and position, and says so', async () => {
    await page.selectOption('#model-list', 'models/volume/')
    await page.setInputFiles('#image-file', join(volumes, 'block.nii.gz'))
    await expect.poll(drawn, { timeout: 20_000 }).toContain('block.nii.gz')
    const note = await textOf(page, '#where-note')
    expect(note).toContain(
      `sends the image (values and position, no name) to 127.0.0.1:${server.port}, this computer`,
    )
    await segmentVolume()
    expect(await savedLabels()).toEqual(labelsOf('block'))
  })

  it('segments a picture there as here', async () => {
    await page.selectOption('#model-list', 'models/plane/')
    await page.selectOption('#image-list', 'LIDC-IDRI-0137_n2_s02')
    await page.waitForSelector('#volume-stage', { state: 'hidden' })
    expect(await textOf(page, '#where-note')).toContain('(the file)')
    await segment(page)
    const there = await textOf(page, '#area')
    expect(await page.isDisabled('#views input[value=growth]')).toBe(true)
    await page.selectOption('#where', 'browser')
    await segment(page)
    // The server slides windows over the picture; here a model of any size sees all of it at once.
    const [a, b] = [there, await textOf(page, '#area')].map((text) => Number(text.replace(/[^\d.]/g, '')))
    expect(Math.abs(a! - b!) / b!).toBeLessThan(0.05)
    await page.selectOption('#where', 'server')
  })

  it('a job can be stopped: the server gives it up', async () => {
    const buffer = await picture(commands.slow, [8, 400])
    await page.setInputFiles('#image-file', { name: 'slow.png', mimeType: 'image/png', buffer })
    await expect
      .poll(() => page.$eval('#canvas', (canvas) => canvas.getAttribute('aria-label')))
      .toContain('slow.png')
    await page.click('#run')
    await expect
      .poll(() => textOf(page, '#progress-text'), { timeout: 20_000 })
      .toMatch(/On 127\.0\.0\.1:\d+: part/)
    await page.click('#cancel')
    await expect.poll(() => server.queue.runningCount, { timeout: 20_000 }).toBe(0)
    expect(await page.isVisible('#problem')).toBe(false)
  })

  it("the server's refusals are shown in its own words", async () => {
    await page.selectOption('#model-list', 'models/volume/')
    await page.click('#run')
    await expect.poll(() => textOf(page, '#problem-message'), { timeout: 20_000 }).toContain('single plane')
    await page.click('#problem-close')
  })

  it('says when the server is gone, and the page still works without it', async () => {
    await page.selectOption('#model-list', 'models/plane/')
    await page.waitForSelector('#progress', { state: 'hidden' })
    await server.close()
    await page.click('#run')
    await expect.poll(() => textOf(page, '#problem-message')).toContain('does not answer')
    await page.selectOption('#where', 'browser')
    await segment(page)
  })

  it('asks no other server', () => {
    expect(visited.elsewhere).toEqual([])
  })
})
