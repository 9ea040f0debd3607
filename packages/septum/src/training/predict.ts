import { mkdirSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import { SeptumError } from '@septum/core'
import { readPicture, writeMask, writePng } from '../formats/index.js'
import type { Task } from '../methods/method.js'
import type { PredictedCase, PredictRequest, PredictResult } from './api.js'
import { type OpenedRun, openRun, openSplit, pictureOf } from './open-run.js'
import { type Picture, predictCase } from './predict-case.js'

interface Source {
  readonly name: string
  load(): Promise<Picture>
}

/** Segments files, folders or a split and writes the masks; see `TrainingApi`. */
export async function predictRun(request: PredictRequest): Promise<PredictResult> {
  const start = performance.now()
  const { out, reporter, signal } = request
  const run = openRun(request)
  const { config, task, model, device } = run
  const { split } = request
  const sources = split ? await fromSplit(run, { split, reporter }) : fromFiles(request.inputs, task)
  makeFolder(out)
  const progress = reporter.progress('images', sources.length, 'images')
  let files = 0
  let samples = 0
  let failed = 0
  let cases = 0
  try {
    for (const [index, source] of sources.entries()) {
      signal.throwIfAborted()
      try {
        const item = await predictCase(model, task, await source.load(), {
          samples: request.samples ?? 16,
          seed: request.seed,
          index,
          stages: request.onCase !== undefined,
          resize: config.data.resize,
          device,
          signal,
        })
        samples = item.classes[0]!.samples.length
        files += await writeCase(out, item)
        files += (await request.onCase?.(item)) ?? 0
        cases++
      } catch (error) {
        // One bad picture must not cost the others their masks.
        if (!(error instanceof SeptumError) || error.code === 'write-failed' || sources.length === 1)
          throw error
        failed++
        reporter.warn(error.toLine())
      }
      progress.update(index + 1)
    }
  } finally {
    progress.finish()
  }
  if (failed > 0) reporter.warn(`${failed} of ${sources.length} images could not be segmented.`)
  if (cases === 0)
    throw new SeptumError('predict-none', 'No image could be segmented', 'See the warnings above.')
  return {
    out,
    cases,
    samples: samples > 1 ? samples : 0,
    files,
    seconds: (performance.now() - start) / 1000,
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (cause) {
    throw new SeptumError(
      'write-failed',
      'The output folder cannot be made',
      'Give another --out, or make its parent writable.',
      { file: folder },
      { cause },
    )
  }
}

async function fromSplit(run: OpenedRun, request: Parameters<typeof openSplit>[1]): Promise<Source[]> {
  const { store, chosen } = await openSplit(run, request)
  return chosen.map((entry) => ({ name: entry.name, load: () => pictureOf(store, entry) }))
}

function fromFiles(inputs: readonly string[], task: Task): Source[] {
  const files = inputs.flatMap((input) => {
    let folder: boolean
    try {
      folder = statSync(input).isDirectory()
    } catch (cause) {
      throw new SeptumError(
        'input-missing',
        'The image does not exist',
        'Check the path.',
        { file: input },
        { cause },
      )
    }
    if (!folder) return [input]
    const inside = readdirSync(input)
      .filter((name) => /\.(png|jpe?g)$/i.test(name))
      .sort()
    if (inside.length === 0)
      throw new SeptumError(
        'input-empty',
        'The folder holds no PNG or JPEG image',
        'Give a folder of images.',
        { file: input },
      )
    return inside.map((name) => join(input, name))
  })
  const seen = new Map<string, string>()
  return files.map((file) => {
    const name = basename(file, extname(file))
    const other = seen.get(name)
    if (other !== undefined) {
      throw new SeptumError(
        'input-twice',
        `Two images are named ${name}, their masks would overwrite each other`,
        'Predict them into two folders.',
        { file: `${other}, ${file}` },
      )
    }
    seen.set(name, file)
    return { name, load: () => readInput(file, name, task) }
  })
}

async function readInput(file: string, name: string, task: Task): Promise<Picture> {
  const { data, shape, maxValue } = await readPicture(file)
  const [channels, height, width] = shape
  const pixels = height * width
  const largest = task.maxValue ?? maxValue
  const scaled = Float32Array.from(data, (value) => Math.min(1, value / largest))
  if (channels !== task.imageChannels && task.imageChannels !== 3 && channels !== 3) {
    throw new SeptumError(
      'input-channels',
      `The image has ${channels} channels, the model wants ${task.imageChannels}`,
      'Give images of the kind that the model was trained on.',
      { file },
    )
  }
  const image = new Float32Array(task.imageChannels * pixels)
  for (let c = 0; c < task.imageChannels; c++) {
    for (let i = 0; i < pixels; i++) {
      // Grey for an RGB model is repeated; colour for a grey model becomes luma (ITU-R BT.601).
      image[c * pixels + i] =
        channels === task.imageChannels
          ? scaled[c * pixels + i]!
          : channels === 1
            ? scaled[i]!
            : 0.299 * scaled[i]! + 0.587 * scaled[pixels + i]! + 0.114 * scaled[2 * pixels + i]!
    }
  }
  return { name, patient: name, height, width, channels: task.imageChannels, image, masks: null }
}

const bytes = (map: Float32Array): Uint8Array => Uint8Array.from(map, (p) => Math.round(255 * p))

/** Fused mask, probability and uncertainty maps, and the samples. @returns files written */
async function writeCase(out: string, item: PredictedCase): Promise<number> {
  const size = [item.height, item.width] as const
  const pixels = item.height * item.width
  const label = new Uint8Array(pixels)
  const best = new Float32Array(pixels).fill(0.5)
  item.classes.forEach(({ probability }, c) => {
    for (let i = 0; i < pixels; i++) {
      if (probability[i]! > best[i]!) {
        best[i] = probability[i]!
        label[i] = c + 1
      }
    }
  })
  const file = (folder: string, name: string) => {
    const path = join(out, folder, `${name}.png`)
    makeFolder(dirname(path))
    return path
  }
  const visible = item.classes.length === 1 ? 255 : 1
  await writeMask(file('', item.name), label, size, visible)
  let files = 1
  for (const entry of item.classes) {
    const suffix = item.classes.length === 1 ? '' : `.${entry.name}`
    const shape = [1, ...size]
    await writePng(file('probability', `${item.name}${suffix}`), { data: bytes(entry.probability), shape })
    await writePng(file('uncertainty', `${item.name}${suffix}`), { data: bytes(entry.uncertainty), shape })
    files += 2
  }
  const count = item.classes[0]!.samples.length
  if (count < 2) return files
  for (let s = 0; s < count; s++) {
    const sample = new Uint8Array(pixels)
    item.classes.forEach(({ samples }, c) => {
      for (let i = 0; i < pixels; i++) if (samples[s]![i]) sample[i] = c + 1
    })
    await writeMask(file(`samples/${item.name}`, String(s + 1).padStart(3, '0')), sample, size, visible)
    files++
  }
  return files
}
