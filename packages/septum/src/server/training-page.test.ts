import { execFile } from 'node:child_process'
import { appendFileSync, existsSync, mkdtempSync, rmSync, truncateSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { silentReporter } from '@septum/core'
import { setThreads } from '@septum/torch'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { runConfigSchema } from '../training/api.js'
import { train } from '../training/train.js'
import { silentLog } from './log.js'
import { type RunningServer, serve } from './serve.js'
import { defaultLimits } from './settings.js'
import { makeRun, statusOf, stepLine, validationLine } from './trainings/testing.js'

setThreads(1)

const root = fileURLToPath(new URL('../../../../', import.meta.url))
/** The machine may be busy. */
const eventually = <T>(look: () => Promise<T>, timeout = 40_000) => expect.poll(look, { timeout })
const executablePath = process.env.SEPTUM_CHROMIUM ?? '/usr/bin/chromium'
const axeScript = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

describe.skipIf(!existsSync(executablePath))('the page of trainings in Chromium', () => {
  let folder: string
  let runs: string
  let server: RunningServer
  let browser: Browser
  const complaints: string[] = []
  const elsewhere: string[] = []

  const startServer = (port = 0) =>
    serve({
      bundles: [],
      runs,
      viewer: join(folder, 'page'),
      port,
      log: silentLog,
      version: '0',
      limits: defaultLimits,
    })

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'septum-training-page-'))
    runs = join(folder, 'runs')
    const bundle = join(root, 'packages/viewer/test/fixtures/mask')
    const build = [join(root, 'packages/viewer/build.mjs'), '--out', join(folder, 'page'), '--model', bundle]
    await promisify(execFile)(process.execPath, build)
    server = await startServer()
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    await server?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  async function open(hash = '', options = {}): Promise<Page> {
    const page = await (
      await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options })
    ).newPage()
    page.on('pageerror', ({ message }) => complaints.push(message))
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().includes('net::ERR_')) complaints.push(message.text())
    })
    page.on('response', (response) => {
      if (response.status() === 404) complaints.push(`404 ${response.url()}`)
    })
    page.on('request', (request) => {
      if (!request.url().startsWith(`http://127.0.0.1:${server.port}/`)) elsewhere.push(request.url())
    })
    // A run is named in an address once it is known; before, the server may say that there is none.
    for (const id of hash.slice(1).split(',').filter(Boolean)) {
      await eventually(
        async () => (await fetch(`http://127.0.0.1:${server.port}/v1/runs/${id}`)).status,
      ).toBe(200)
    }
    await page.goto(`http://127.0.0.1:${server.port}/training.html${hash}`)
    await page.waitForSelector('html[data-ready=true]')
    return page
  }
  const text = async (page: Page, selector: string) => ((await page.textContent(selector)) ?? '').trim()
  const points = async (page: Page) =>
    ((await page.getAttribute('#loss-chart polyline.line', 'points').catch(() => '')) ?? '').split(' ').length

  it('says so where there is no run yet', async () => {
    const page = await open()
    await eventually(() => text(page, '#problem-message')).toContain('There are no runs in this folder yet')
    await page.context().close()
  })

  /** A real training of a tiny U-Net, in this process: the server gets its turn after every step. */
  const startTraining = (name: string, steps: number, signal: AbortSignal) => {
    const config = runConfigSchema.parse({
      method: 'unet',
      data: { path: join(root, 'examples/lidc'), imageSize: [32, 32] },
      threads: 1,
      training: { validateEvery: 60, logEvery: 5, validationCases: 8, pictures: 2 },
      options: { widths: [4, 8], batchSize: 4, steps, lr: 0.01 },
    })
    return train({
      ...{ config, configText: stringify(config), out: join(runs, name), resume: false },
      ...{ reporter: silentReporter, signal },
    })
  }

  it('follows a real training while it runs, until it is stopped', async () => {
    const page = await open()
    const stop = new AbortController()
    // More steps than any machine does in the time of this test.
    const training = startTraining('long', 1_000_000, stop.signal)
    try {
      // The page was open before: the run appears by itself.
      await eventually(() => text(page, '#run-title'), 90_000).toBe('long')
      await eventually(() => text(page, '#run-state')).toBe('● Running')
      await page.waitForSelector('#loss-chart polyline.line')
      const before = await points(page)
      await eventually(() => points(page)).toBeGreaterThan(before)
      await eventually(() => text(page, '#figures')).toMatch(/about .* left/)
      await page.waitForSelector('#sheet-grid canvas')
      const sheets = Number(await page.getAttribute('#sheet', 'max'))
      await eventually(async () => Number(await page.getAttribute('#sheet', 'max'))).toBeGreaterThan(sheets)
      expect(await page.title()).toMatch(/^\d+ % long – Septum$/)
    } finally {
      stop.abort()
      await training
    }
    await eventually(() => text(page, '#run-state')).toBe('❚❚ Interrupted')
    await page.context().close()
  }, 240_000)

  it('shows a real training that came to its end', async () => {
    const { totalSteps } = await startTraining('lesions', 360, new AbortController().signal)
    expect(totalSteps).toBe(360)
    const page = await open('#lesions')
    await eventually(() => text(page, '#run-state')).toBe('✓ Finished')
    await eventually(() => page.title()).toBe('Finished: lesions – Septum')
    // 360 steps, a line every 5; 6 validations with a sheet each.
    await eventually(() => points(page)).toBe(72)
    await eventually(() => page.getAttribute('#sheet', 'max')).toBe('5')
    expect(await text(page, '#metric-chart .best-label')).toMatch(/^best 0(\.\d+)?$/)
    expect(await text(page, '#figures')).toMatch(/Progress100 %360 of 360 steps/)
    await eventually(() => page.locator('#sheet-grid figure').count()).toBe(2)
    await eventually(() => text(page, '#settings-list')).toContain('options.widths[4,8]')
    await page.context().close()
  }, 240_000)

  it('scrubs and plays the validation cases by keyboard', async () => {
    const page = await open('#lesions')
    await page.waitForSelector('#sheet-grid canvas')
    await page.focus('#sheet')
    await page.keyboard.press('Home')
    await eventually(() => text(page, '#sheet-text')).toBe('Step 60')
    expect(await page.getAttribute('#sheet', 'aria-valuetext')).toBe('Step 60, validation 1 of 6')
    await eventually(() =>
      page.getAttribute('#sheet-grid canvas[data-tile="prediction-0"]', 'aria-label'),
    ).toMatch(/^Prediction of LIDC-IDRI-\S+ at step 60: (Dice \d\.\d\d|nothing marked)$/)
    await page.focus('#sheet-play')
    await page.keyboard.press('Enter')
    await eventually(() => text(page, '#sheet-text')).toBe('Step 360, newest')
    // The image is grey, the prediction orange where the model is sure.
    const painted = await page.evaluate(`(() => {
      const pixels = (kind) => document.querySelector('canvas[data-tile="' + kind + '-0"]').getContext('2d').getImageData(0, 0, 32, 32).data
      const colour = (data) => { for (let i = 0; i < data.length; i += 4) if (data[i] - data[i + 2] > 20) return true; return false }
      return [colour(pixels('image')), pixels('image').length]
    })()`)
    expect(painted).toEqual([false, 4096])
    await page.context().close()
  }, 120_000)

  it('reads a chart with the keyboard, as a table, logarithmic and smoothed', async () => {
    makeRun(
      runs,
      'curve',
      [1, 2, 3, 4].map((n) => stepLine(10 * n, 10 ** -n)).join(''),
      statusOf({ step: 40 }),
    )
    const page = await open('#curve')
    const chart = page.locator('#loss-chart .chart')
    await eventually(() => chart.getAttribute('aria-valuetext')).toBe('curve: 1.0e−4 at step 40')
    await chart.focus()
    await page.keyboard.press('Home')
    expect(await chart.getAttribute('aria-valuetext')).toBe('curve: 0.1 at step 10')
    await page.keyboard.press('ArrowRight')
    expect(await chart.getAttribute('aria-valuetext')).toBe('curve: 0.01 at step 20')
    expect(await text(page, '#loss-chart .reading')).toContain('Step 20')
    // Values that fall by ten each step lie on a line once the axis is logarithmic and nothing is smoothed.
    await page.fill('#smoothing', '0')
    await page.check('#log-scale')
    const straight = async () => {
      const drawn = (await page.getAttribute('#loss-chart polyline.line', 'points'))!
      const y = drawn.split(' ').map((pair) => Number(pair.split(',')[1]))
      return Math.max(...y.slice(1, -1).map((value, i) => Math.abs(value - (y[i]! + y[i + 2]!) / 2)))
    }
    await eventually(straight).toBeLessThan(0.2)
    await page.click('#loss-table summary')
    await eventually(() => text(page, '#loss-table tbody')).toBe('100.1200.01300.001401.0e−4')
    await page.context().close()
  }, 120_000)

  it('compares runs, names them in the address, and marks what differs', async () => {
    makeRun(runs, 'grid/other', stepLine(10, 0.3) + validationLine(10, 0.7), statusOf({ parameters: 99 }))
    const page = await open('#curve')
    await page.waitForSelector('#run-list li:nth-child(3)')
    await page.check('#run-list input[aria-label="Compare grid/other"]')
    await eventually(() => page.locator('#legend li').allTextContents()).toEqual(['curve', 'grid/other'])
    await eventually(() => page.locator('#loss-chart polyline.line').count()).toBe(2)
    const dashes = await page.evaluate(
      `[...document.querySelectorAll('#loss-chart polyline.line')].map((line) => line.getAttribute('stroke-dasharray'))`,
    )
    expect(new Set(dashes as string[]).size).toBe(2)
    await eventually(() => text(page, '#settings-count')).toBe('1 setting differs')
    expect(await page.locator('#settings-rows tr').allTextContents()).toEqual(['parameters (differs)1099'])
    await page.uncheck('#only-differences')
    await eventually(() => page.locator('#settings-rows tr').count()).toBeGreaterThan(4)
    expect(page.url()).toMatch(/#curve,grid~2fother$/)
    await page.reload()
    await eventually(() => page.locator('#legend li').count()).toBe(2)
    // One remains: the last one that is shown cannot be taken away.
    await page.uncheck('#run-list input[aria-label="Compare curve"]')
    await eventually(() => page.isDisabled('#run-list input[aria-label="Compare grid/other"]')).toBe(true)
    await page.context().close()
  }, 120_000)

  it('goes on after the log was cut and written anew, and after the server came back', async () => {
    const run = makeRun(runs, 'resumed', [10, 20, 30].map((n) => stepLine(n, 1)).join(''), statusOf())
    const log = join(run, 'log.jsonl')
    const page = await open('#resumed')
    const chart = page.locator('#loss-chart .chart')
    await eventually(() => chart.getAttribute('aria-valuetext')).toBe('resumed: 1 at step 30')
    truncateSync(log, stepLine(10, 1).length)
    appendFileSync(log, stepLine(20, 5))
    await eventually(() => chart.getAttribute('aria-valuetext')).toBe('resumed: 5 at step 20')
    expect(await points(page)).toBe(2)
    const { port } = server
    await server.close()
    await eventually(() => page.isVisible('#offline')).toBe(true)
    appendFileSync(log, stepLine(30, 7))
    server = await startServer(port)
    await eventually(() => chart.getAttribute('aria-valuetext')).toBe('resumed: 7 at step 30')
    expect(await page.isVisible('#offline')).toBe(false)
    await page.context().close()
  }, 120_000)

  it('tells of runs that failed or went silent', async () => {
    const error = { code: 'loss-not-finite', message: 'The loss became NaN' }
    makeRun(runs, 'bad', stepLine(10), statusOf({ state: 'failed', error }))
    makeRun(
      runs,
      'silent',
      stepLine(10),
      statusOf({ host: 'elsewhere', updated: '2020-01-01T00:00:00.000Z' }),
    )
    const page = await open('#bad')
    await eventually(() => text(page, '#run-state')).toBe('✕ Failed')
    expect(await text(page, '#run-reason')).toBe('The loss became NaN (loss-not-finite)')
    await page.click('#run-list button:text-is("silent")')
    await eventually(() => text(page, '#run-state')).toBe('! Stalled')
    expect(await text(page, '#run-reason')).toMatch(/^Nothing was heard of it for \d+ days$/)
    await page.context().close()
  }, 120_000)

  it.each([
    ['dark', 1440],
    ['light', 390],
  ] as const)(
    'no serious violation of accessibility, %s, %i pixels wide',
    async (colorScheme, width) => {
      const page = await open('#lesions,curve', { colorScheme, viewport: { width, height: 900 } })
      await page.waitForSelector('#sheet-grid canvas')
      await page.click('#loss-table summary')
      await page.evaluate(await readFile(axeScript, 'utf8'))
      const found =
        (await page.evaluate(`axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
      .then(({ violations }) => violations.map(({ id, impact, nodes }) => impact + ' ' + id + ': ' + nodes.map(({ html }) => html).join(' | ')))`)) as string[]
      expect(found.filter((each) => /^(serious|critical)/.test(each))).toEqual([])
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
      await page.context().close()
    },
    30_000,
  )

  it('asks no other server, and breaks no rule of its content security policy', () => {
    expect(elsewhere).toEqual([])
    expect(complaints).toEqual([])
  })
})
