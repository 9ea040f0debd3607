import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { openBundle, sampleMasks } from '@septum/core'
import { setThreads, tensor } from '@septum/torch'
import { chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readPicture } from '../formats/index.js'
import { ArSeg, stretchTemperatures } from '../methods/ar-seg/model.js'
import { arSegOptions } from '../methods/ar-seg/options.js'
import { type RunningServer, serve, silentLog } from '../server/index.js'
import { loadRun } from '../training/run-folder.js'
import { folderFiles, nodeSessions } from './node-runtime.js'

setThreads(1)

const root = fileURLToPath(new URL('../../../../', import.meta.url))
const run = join(root, 'models/ar-seg-lidc-small')
const executablePath = process.env.SEPTUM_CHROMIUM ?? '/usr/bin/chromium'
const SAMPLES = 6

/** Slices of patients that the model has not seen, where its samples differ and where they agree. */
const cases = ['LIDC-IDRI-0137_n2_s02', 'LIDC-IDRI-0219_n0_s02']

/** Asks the page's own worker. As text: this package knows no types of the browser. */
const inBrowser = `async ({ values, samples, seed }) => {
  const worker = new Worker('worker.js', { type: 'module' })
  const at = (path) => new URL(path, document.baseURI).href
  const ask = (question, wanted) => new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => {
      if (data.type === 'problem') reject(new Error(data.problem.message))
      else if (data.type === wanted) resolve(data)
    }
    worker.postMessage(question)
  })
  await ask({ type: 'open', source: { url: at('models/ar-seg-lidc-small/') }, runtime: at('ort/') }, 'opened')
  const image = { data: Uint8Array.from(values), shape: [1, 128, 128], maxValue: 255 }
  const { result } = await ask({ type: 'run', request: { image, centre: null, samples, seed } }, 'result')
  worker.terminate()
  return result.tokens.map((own) => own.map((drawn) => Array.from(drawn)))
}`

describe.skipIf(!existsSync(executablePath))('the same seed draws the same tokens', () => {
  let folder: string
  let server: RunningServer
  let browser: Awaited<ReturnType<typeof chromium.launch>>

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'septum-tokens-'))
    const build = [join(root, 'packages/viewer/build.mjs'), '--out', folder, '--model', join(run, 'model')]
    await promisify(execFile)(process.execPath, build)
    server = await serve({
      bundles: [run],
      viewer: folder,
      port: 0,
      threads: 1,
      log: silentLog,
      version: '0',
    })
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    await server?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it.each(cases)('in trainer, Node and Chromium: %s', async (name) => {
    const { data } = await readPicture(join(root, 'examples/lidc/images', `${name}.png`))
    // The centre window of 64 x 64 in 128 x 128: 32 pixels on each side are left out.
    const window = Float32Array.from(
      { length: 64 * 64 },
      (_, i) => data[(32 + Math.floor(i / 64)) * 128 + 32 + (i % 64)]! / 255,
    )
    const seed = 11

    const { model, config } = loadRun(run, 'cpu')
    if (!(model instanceof ArSeg)) throw new Error('another method')
    const { sampling, autoencoder } = arSegOptions.parse(config.options)
    const engine = model.engine()
    const condition = engine.encode(tensor(window, { shape: [1, 1, 64, 64] }))
    const trainer = await sampleMasks(engine, condition, {
      ...{ samples: SAMPLES, seed, imageStream: 0, classIndex: 0 },
      temperature: stretchTemperatures(sampling.temperature, autoencoder.scales.length),
      topK: sampling.topK || undefined,
      topP: sampling.topP,
      guidance: sampling.guidance,
    })
    const tokens = trainer.tokens.map((drawn) => [...drawn])
    // 1 + 4 + 16 + 64 tokens of every sample, and samples that differ.
    expect(tokens.map((drawn) => drawn.length)).toEqual(Array.from({ length: SAMPLES }, () => 85))
    expect(new Set(tokens.map((drawn) => drawn.join())).size).toBeGreaterThan(1)

    const bundle = await openBundle(folderFiles(join(run, 'model')), await nodeSessions({ threads: 1 }))
    const node = await bundle.predict(window, [64, 64], { samples: SAMPLES, seed })
    expect(node.tokens![0]!.map((drawn) => [...drawn])).toEqual(tokens)
    await bundle.release()

    const page = await browser.newPage()
    await page.goto(server.url)
    const found = await page.evaluate(
      `(${inBrowser})(${JSON.stringify({ values: [...data], samples: SAMPLES, seed })})`,
    )
    expect(found).toEqual([tokens])
    await page.close()
  })
})
