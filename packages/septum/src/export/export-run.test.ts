import { execFileSync, spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BundleManifest, openBundle, parseManifest, silentReporter } from '@septum/core'
import { saveTensors, setThreads } from '@septum/torch'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { tinyOptions } from '../methods/ar-seg/testing.js'
import { runConfigSchema } from '../training/api.js'
import { buildModel } from '../training/run-folder.js'
import { exportRun } from './export-run.js'
import { folderFiles, nodeSessions } from './node-runtime.js'

setThreads(1)

const example = fileURLToPath(new URL('../../../../examples/lidc/', import.meta.url))
const python = '/usr/bin/python3'
const hasOnnx = spawnSync(python, ['-c', 'import onnx']).status === 0

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'septum-export-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** A run of the example's data set that nobody trained: its weights are those of a new model. */
function makeRun(name: string, method: string, options: object, side: number, prepared = {}): string {
  const run = join(dir, name)
  mkdirSync(run)
  const config = runConfigSchema.parse({ method, data: { path: example, imageSize: [side, side] }, options })
  const task = {
    dimensions: 2,
    imageChannels: 1,
    classes: ['nodule'],
    raters: 4,
    imageSize: [side, side],
    ...prepared,
  } as const
  const model = buildModel(config, task, 'cpu')
  writeFileSync(join(run, 'config.yaml'), stringify(config))
  writeFileSync(join(run, 'task.json'), JSON.stringify(task))
  writeFileSync(
    join(run, 'log.jsonl'),
    [
      { event: 'validation', phase: 'unet', step: 5, score: 0.5, best: true, metrics: { dice: 0.5 } },
      { event: 'validation', phase: 'unet', step: 10, score: 0.25, best: false, metrics: { dice: 0.25 } },
    ]
      .map((line) => `${JSON.stringify(line)}\n`)
      .join(''),
  )
  saveTensors(join(run, 'weights.safetensors'), model.stateDict())
  return run
}

const request = (run: string) => ({
  run,
  images: 2,
  version: '0.1.0',
  threads: 1,
  reporter: silentReporter,
  signal: new AbortController().signal,
})

const manifestIn = (folder: string): BundleManifest =>
  parseManifest(readFileSync(join(folder, 'model.json'), 'utf8'))

const small = { widths: [8, 16] }
const unetRun = () => {
  const run = join(dir, 'unet')
  return existsSync(run) ? run : makeRun('unet', 'unet', small, 32)
}

describe('septum export', () => {
  it('writes a bundle that says what it is and equals the trained model on real images', async () => {
    const run = unetRun()
    const result = await exportRun(request(run))
    expect(readdirSync(join(run, 'model')).sort()).toEqual(['model.json', 'model.onnx'])
    const manifest = manifestIn(join(run, 'model'))
    expect(manifest.classes).toMatchObject([
      { name: 'nodule', label: 1, colour: '#009e73', type: { value: '27925004', scheme: 'SCT' } },
    ])
    expect(manifest.size).toEqual({ trained: [32, 32], fixed: false, multipleOf: 2 })
    expect(manifest.training.fingerprint).toMatch(/^[0-9a-f]{64}$/)
    expect(manifest.metrics).toEqual({ 'unet.dice': 0.5 })
    // Two images at their size, one of them again at a larger one.
    expect(manifest.verification.images).toBe(3)
    expect(manifest.verification.maxDifference).toBe(result.maxDifference)
    expect(result.maxDifference).toBeLessThan(1e-4)
  })

  it('records the preprocessing of the run', async () => {
    const preprocessing = {
      channels: [{ kind: 'zScore', over: 'nonZero' }],
      spacingMm: null,
      interpolation: 'cubic',
    }
    const run = makeRun('z-scored', 'unet', small, 32, { preprocessing, storedChannels: 1 })
    const config = parse(readFileSync(join(run, 'config.yaml'), 'utf8'))
    writeFileSync(join(run, 'config.yaml'), stringify({ ...config, data: { ...config.data, preprocessing } }))
    const result = await exportRun(request(run))
    expect(manifestIn(join(run, 'model')).preprocessing).toEqual({
      ...preprocessing,
      maxValue: null,
      fit: 'crop',
    })
    expect(result.maxDifference).toBeLessThan(1e-4)
  })

  it('takes the place of the bundle before it, and of nothing else', async () => {
    const run = unetRun()
    const out = join(dir, 'bundle')
    await exportRun({ ...request(run), out })
    await exportRun({ ...request(run), out })
    expect(readdirSync(dir).filter((name) => name.startsWith('bundle'))).toEqual(['bundle'])
    const taken = join(dir, 'taken')
    mkdirSync(taken)
    writeFileSync(join(taken, 'thesis.txt'), 'years of work')
    await expect(exportRun({ ...request(run), out: taken })).rejects.toMatchObject({ code: 'export-folder' })
  })

  it('asks for the data set where it is gone', async () => {
    const run = makeRun('moved', 'unet', small, 32)
    const config = readFileSync(join(run, 'config.yaml'), 'utf8').replace(example, '/nowhere/at/all')
    writeFileSync(join(run, 'config.yaml'), config)
    await expect(exportRun(request(run))).rejects.toMatchObject({ code: 'export-data' })
    expect(existsSync(join(run, 'model'))).toBe(false)
    expect((await exportRun({ ...request(run), dataset: example })).images).toBe(3)
  })

  it('writes the graphs of AR-Seg, which sample the tokens of the trainer', async () => {
    const run = makeRun('ar-seg', 'ar-seg', tinyOptions({ normGroups: 2 }, { encoderNormGroups: 2 }), 16)
    const { out } = await exportRun(request(run))
    const manifest = manifestIn(out)
    expect(manifest.files.map(({ file }) => file)).toEqual([
      'encoder.onnx',
      'start.onnx',
      'transformer.onnx',
      'quantizer-1.onnx',
      'quantizer-2.onnx',
      'quantizer-3.onnx',
      'decoder.onnx',
    ])
    // 2 images, 2 samples, 1 + 4 + 16 tokens.
    expect(manifest.verification.tokens).toEqual({ compared: 84, unlike: 0 })
    const model = await openBundle(folderFiles(out), await nodeSessions({ threads: 1 }))
    const { samples } = await model.predict(new Float32Array(256).fill(0.5), [16, 16], { samples: 3 })
    expect(samples.shape).toEqual([3, 1, 16, 16])
    await model.release()
  })

  it('exports the published small AR-Seg, which draws the tokens of its weights', async () => {
    const run = join(dir, 'published')
    cpSync(fileURLToPath(new URL('../../../../models/ar-seg-lidc-small/', import.meta.url)), run, {
      recursive: true,
    })
    const { out } = await exportRun({ ...request(run), dataset: example, images: 4 })
    // 4 images, 2 samples, 1 + 4 + 16 + 64 tokens.
    expect(manifestIn(out).verification).toMatchObject({ images: 4, tokens: { compared: 680, unlike: 0 } })
  })

  it('writes weights of 16 and layers of 8 bits, with what they cost', async () => {
    const run = unetRun()
    const half = await exportRun({ ...request(run), precision: 'fp16', scoredImages: 3 })
    expect(half.out).toBe(join(run, 'model-fp16'))
    const { precision, licence } = manifestIn(half.out)
    expect(licence).toBe(null)
    expect(precision).toEqual(half.precision)
    expect(precision).toMatchObject({ kind: 'fp16', dice: { images: 3, split: 'val' } })
    expect(precision!.layers).toBeGreaterThan(2)
    expect(precision!.maxDifference).toBeGreaterThan(0)
    expect(precision!.maxDifference).toBeLessThan(0.01)
    for (const ranges of ['minmax', 'percentile', 'entropy'] as const) {
      const out = join(dir, `int8-${ranges}`)
      const size = { scoredImages: 3, calibrationImages: 4 }
      await exportRun({ ...request(run), precision: 'int8', ranges, out, ...size, licence: 'CC-BY-4.0' })
      const manifest = manifestIn(out)
      expect(manifest.licence).toBe('CC-BY-4.0')
      expect(manifest.precision).toMatchObject({ kind: 'int8', calibration: { ranges, images: 4 } })
      expect(manifest.precision!.dice.single - manifest.precision!.dice.reduced).toBeLessThanOrEqual(0.005)
      const model = await openBundle(folderFiles(out), await nodeSessions({ threads: 1 }))
      expect((await model.predict(new Float32Array(40 * 48), [40, 48])).probabilities.shape).toEqual([
        1, 40, 48,
      ])
      await model.release()
    }
  })

  it.skipIf(!hasOnnx)(
    'writes graphs that onnx.checker accepts, with the shapes of the manifest',
    async () => {
      const folders = [
        join(dir, 'unet', 'model'),
        join(dir, 'ar-seg', 'model'),
        join(dir, 'unet', 'model-fp16'),
        join(dir, 'int8-minmax'),
      ]
      const files = folders.flatMap((folder) =>
        manifestIn(folder).files.map(({ file }) => join(folder, file)),
      )
      expect(files).toHaveLength(10)
      const script = [
        'import sys, onnx',
        'for file in sys.argv[1:]:',
        '    model = onnx.load(file)',
        '    onnx.checker.check_model(model, full_check=True)',
        '    assert [(o.domain, o.version) for o in model.opset_import] == [("", 17)]',
      ].join('\n')
      expect(execFileSync(python, ['-c', script, ...files], { encoding: 'utf8' })).toBe('')
    },
  )
})

describe('a bundle on disk', () => {
  const broken = async (change: (folder: string) => void) => {
    const folder = join(dir, `broken-${readdirSync(dir).length}`)
    cpSync(join(unetRun(), 'model'), folder, { recursive: true })
    change(folder)
    return openBundle(folderFiles(folder), await nodeSessions({ threads: 1 }))
  }

  it('is refused without a graph, with another one, or with another manifest', async () => {
    await expect(broken((folder) => rmSync(join(folder, 'model.onnx')))).rejects.toMatchObject({
      code: 'bundle-missing',
      place: { file: 'model.onnx' },
    })
    const flipped = (folder: string) => {
      const file = join(folder, 'model.onnx')
      const bytes = readFileSync(file)
      bytes[bytes.length >> 1]! ^= 1
      writeFileSync(file, bytes)
    }
    await expect(broken(flipped)).rejects.toMatchObject({ code: 'bundle-hash' })
    const cut = (folder: string) => writeFileSync(join(folder, 'model.onnx'), 'short')
    await expect(broken(cut)).rejects.toMatchObject({ code: 'bundle-hash' })
    await expect(broken((folder) => rmSync(join(folder, 'model.json')))).rejects.toMatchObject({
      code: 'bundle-missing',
    })
    const renamed = (folder: string) => {
      const file = join(folder, 'model.json')
      writeFileSync(file, readFileSync(file, 'utf8').replace('"images"', '"pictures"'))
    }
    await expect(broken(renamed)).rejects.toMatchObject({ code: 'bundle-graph' })
  })
})
