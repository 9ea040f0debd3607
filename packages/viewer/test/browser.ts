import { existsSync } from 'node:fs'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

export const chromiumPath = process.env.SEPTUM_CHROMIUM ?? '/usr/bin/chromium'
export const noChromium = !existsSync(chromiumPath)

export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: chromiumPath,
    // WebGL by software, for volumes.
    args: ['--no-sandbox', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'],
  })

/** A page that is ready, and what it did that it must not do. */
export interface Visit {
  readonly page: Page
  /** Uncaught errors, console errors and refusals of the content security policy. */
  readonly complaints: readonly string[]
  /** Requests to anywhere but the page's own server. */
  readonly elsewhere: readonly string[]
}

/** A notice of ONNX Runtime about the processor, which it writes to the error stream. */
const harmless = /cpuid_info|Unknown CPU vendor/

export async function visit(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const context = await browser.newContext({ acceptDownloads: true, ...options })
  const page = await context.newPage()
  const complaints: string[] = []
  const elsewhere: string[] = []
  page.on('pageerror', ({ message }) => complaints.push(message))
  page.on('console', (message) => {
    if (message.type() === 'error' && !harmless.test(message.text())) complaints.push(message.text())
  })
  context.on('request', (request) => {
    const address = request.url()
    if (!address.startsWith(url) && !address.startsWith('blob:') && !address.startsWith('data:')) {
      elsewhere.push(address)
    }
  })
  await page.goto(url)
  await page.waitForSelector('html[data-ready=true]')
  return { page, complaints, elsewhere }
}

/** Presses Segment and waits for the result. */
export async function segment(page: Page): Promise<void> {
  await page.click('#run')
  await page.waitForSelector('#exports:not([hidden])')
}

export async function choose(page: Page, view: string): Promise<void> {
  await page.click(`#views label:has(input[value=${view}])`)
  await page.waitForSelector(`#strip-${view}:not([hidden])`)
}

/** Waits until the page, which draws at most once a frame, has drawn what it was told last. */
const drawn = (page: Page): Promise<void> =>
  page.evaluate(
    () => new Promise<void>((done) => requestAnimationFrame(() => requestAnimationFrame(() => done()))),
  )

/** Numbers of the samples' captions: areas in pixels, 0 for an empty mask. */
export async function sampleAreas(page: Page): Promise<number[]> {
  await drawn(page)
  return page.$$eval('#sample-grid li .under > span', (spans) =>
    spans.map(({ textContent }) =>
      textContent === 'empty' ? 0 : Number(textContent!.replace(/[^\d.]/g, '')),
    ),
  )
}

/** What the page shows there once it has drawn. */
export async function textOf(page: Page, selector: string): Promise<string> {
  await drawn(page)
  return ((await page.textContent(selector)) ?? '').trim()
}

/** What a screen reader is told of the large picture. */
export async function described(page: Page): Promise<string> {
  await drawn(page)
  return page.$eval('#canvas', (canvas) => canvas.getAttribute('aria-label') ?? '')
}
