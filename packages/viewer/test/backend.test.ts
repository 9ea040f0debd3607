import { chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chromiumPath, launch, noChromium, sampleAreas, segment, textOf, visit } from './browser.js'
import { openSite, type Site } from './site.js'

/** A graphics card in software: Chromium has one, where it was built with it. */
const software = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan']

describe.skipIf(noChromium)('WebGPU in Chromium', () => {
  let site: Site
  beforeAll(async () => {
    site = await openSite()
  }, 120_000)
  afterAll(() => site?.close())

  it('is not offered without an adapter, and its runtime is not fetched', async () => {
    const browser = await launch()
    const { page, complaints } = await visit(browser, site.url)
    const fetched: string[] = []
    page.on('request', (request) => fetched.push(request.url()))
    expect(await page.isDisabled('#backend option[value=webgpu]')).toBe(true)
    await expect.poll(() => textOf(page, '#backend-note')).toContain('offers no WebGPU')
    await segment(page)
    expect(fetched.filter((url) => /webgpu|asyncify/.test(url))).toEqual([])
    expect(complaints).toEqual([])
    await browser.close()
  })

  it('draws the tokens of WebAssembly', async (context) => {
    const browser = await chromium.launch({
      executablePath: chromiumPath,
      args: ['--no-sandbox', ...software],
    })
    try {
      const { page } = await visit(browser, site.url)
      // The worker alone, with a test that any speed passes: software is slower, but must draw the same.
      const found = await page.evaluate(async () => {
        const worker = new Worker('worker.js', { type: 'module' })
        const ask = (question: object, wanted: string) =>
          new Promise<Record<string, unknown>>((resolve, reject) => {
            worker.onmessage = ({ data }) => {
              if (data.type === 'problem') reject(new Error(data.problem.message))
              else if (data.type === wanted) resolve(data)
            }
            worker.postMessage(question)
          })
        const at = (path: string) => new URL(path, document.baseURI).href
        await ask({ type: 'open', source: { url: at('models/next-scale/') }, runtime: at('ort/') }, 'opened')
        const data = Float32Array.from({ length: 64 * 64 }, (_, i) => ((i * 37) % 101) / 100)
        const image = { data, shape: [1, 64, 64], maxValue: 1, spacingMm: [1, 1], name: 'test' }
        const run = async () => {
          const request = { image, centre: null, samples: 4, seed: 5 }
          const { result } = await ask({ type: 'run', request }, 'result')
          return (result as { tokens: Int32Array[][] }).tokens.map((own) => own.map((drawn) => [...drawn]))
        }
        const wasm = await run()
        const { report } = await ask({ type: 'backend', wish: 'webgpu', leastGain: 0 }, 'backend')
        return { wasm, webgpu: await run(), report: report as { backend: string; reason: string } }
      })
      if (found.report.reason.includes('no graphics adapter')) return context.skip()
      expect(found.report).toMatchObject({ backend: 'webgpu' })
      expect(found.wasm.flat(2).length).toBeGreaterThan(100)
      expect(found.webgpu).toEqual(found.wasm)
    } finally {
      await browser.close()
    }
  }, 90_000)

  it('is tested against WebAssembly before it is used; the masks stay the same', async (context) => {
    const browser = await chromium.launch({
      executablePath: chromiumPath,
      args: ['--no-sandbox', ...software],
    })
    try {
      const { page } = await visit(browser, site.url)
      const fetched: string[] = []
      page.context().on('request', (request) => fetched.push(new URL(request.url()).pathname))
      const note = () => textOf(page, '#backend-note')
      await page.waitForTimeout(500)
      if (await page.isDisabled('#backend option[value=webgpu]')) return context.skip()
      await segment(page)
      const before = await sampleAreas(page)
      expect(fetched.filter((path) => /webgpu|asyncify/.test(path))).toEqual([])
      await page.click('#display summary')
      await page.selectOption('#backend', 'webgpu')
      // Software is slower, as a rule: what counts is that both gave the same, and that the choice follows the report.
      await expect
        .poll(note, { timeout: 50_000 })
        .toMatch(/^WebGPU (passed its test: the same result|gives the same, but is not faster here)/)
      expect(fetched).toContain('/ort/ort.webgpu.min.mjs')
      expect(await page.inputValue('#backend')).toBe((await note()).includes('passed') ? 'webgpu' : 'wasm')
      await page.keyboard.press('Escape')
      await segment(page)
      expect(await sampleAreas(page)).toEqual(before)
    } finally {
      await browser.close()
    }
  }, 90_000)
})
