import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { AxeResults } from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { choose, launch, noChromium, segment, textOf, visit } from './browser.js'
import { fixtures, openSite, type Site } from './site.js'

const axeScript = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

describe.skipIf(noChromium)('access in Chromium', () => {
  let site: Site
  let browser: Browser

  beforeAll(async () => {
    ;[site, browser] = await Promise.all([openSite(), launch()])
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })

  /** Serious and critical violations of WCAG 2.2 A and AA, with the elements. */
  async function violations(page: Page): Promise<string[]> {
    // Through the debugger: the page's own policy allows no foreign script.
    await page.evaluate(await readFile(axeScript, 'utf8'))
    const { violations: found } = await page.evaluate(
      () =>
        (globalThis as unknown as { axe: { run(options: object): Promise<AxeResults> } }).axe.run({
          runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
        }) as Promise<AxeResults>,
    )
    return found
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`)
  }

  it.each([
    ['dark', 1440, 'growth'],
    ['light', 1440, 'consensus'],
    ['light', 390, 'uncertainty'],
  ] as const)('no serious violation, %s, %i pixels wide, %s', async (colorScheme, width, view) => {
    const { page } = await visit(browser, site.url, { colorScheme, viewport: { width, height: 900 } })
    if (width > 1000) expect(await violations(page)).toEqual([])
    await segment(page)
    await choose(page, view)
    await page.click('#display summary')
    await page.click('#about-model summary')
    await page.click('#scores summary')
    expect(await violations(page)).toEqual([])
    await page.click('#help')
    expect(await violations(page)).toEqual([])
    // Nothing may stick out sideways.
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(
      0,
    )
    await page.context().close()
  })

  it.each([
    ['dark', 1440],
    ['light', 390],
  ] as const)('no serious violation with a volume, %s, %i pixels wide', async (colorScheme, width) => {
    const { page } = await visit(browser, site.url, { colorScheme, viewport: { width, height: 900 } })
    await page.selectOption('#model-list', 'models/plane/')
    await page.setInputFiles('#image-file', join(fixtures, 'volumes/oblique.nii.gz'))
    await page.waitForSelector('#volume-stage[data-drawn]')
    await page.click('#run')
    await page.waitForSelector('#volume-exports:not([hidden])')
    await page.click('#display summary')
    await page.click('#about-volume summary')
    expect(await violations(page)).toEqual([])
    await page.keyboard.press('v')
    await expect.poll(() => textOf(page, '#run')).toBe('Segment slice')
    expect(await violations(page)).toEqual([])
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(
      0,
    )
    await page.context().close()
  })

  it('everything is reached and done by keyboard alone', async () => {
    const { page } = await visit(browser, site.url)
    await page.keyboard.press('s')
    await page.waitForSelector('#exports:not([hidden])')
    await page.keyboard.press('4')
    await page.waitForSelector('#strip-growth:not([hidden])')
    await page.keyboard.press('[')
    await expect.poll(() => textOf(page, '#scale-text')).toContain('Scale 3 of 4')
    await page.keyboard.press('3')
    await page.keyboard.press(']')
    await expect.poll(() => textOf(page, '#sample-text')).toBe('Mask 2 of 8')
    await page.keyboard.press('b')
    await expect.poll(() => textOf(page, '#blend-text')).toBe('7 of 8 blended')
    await page.keyboard.press('?')
    expect(await page.isVisible('#help-dialog')).toBe(true)
    await page.uncheck('#single-keys')
    await page.keyboard.press('Escape')
    await page.keyboard.press('1')
    await page.waitForTimeout(100)
    expect(await page.isVisible('#strip-sample')).toBe(true)
    await page.context().close()
  })

  it('says how a run goes, and a run can be stopped', async () => {
    const { page } = await visit(browser, site.url)
    await segment(page)
    await expect.poll(() => textOf(page, '#live')).toMatch(/^Done in .* 8 masks\.$/)
    // Stopping ends the worker; the next run opens the model again.
    await page.evaluate(() => {
      document.querySelector<HTMLButtonElement>('#run')!.click()
      document.querySelector<HTMLButtonElement>('#cancel')!.click()
    })
    await expect.poll(() => page.isVisible('#progress')).toBe(false)
    expect(await page.isVisible('#problem')).toBe(false)
    await segment(page)
    await page.context().close()
  })
})
