import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { manifestFile, SeptumError } from '@septum/core'
import type {
  BundlePredictRequest,
  BundlePredictResult,
  CleaningRules,
  FinishedCase,
} from '../../inference/index.js'
import type { PredictOptions } from '../commands/predict.js'
import { shellLine } from '../config/render.js'
import type { Cli } from '../context.js'
import { formatDuration } from '../reporter/format.js'
import { runCommand } from '../run-command.js'

/** `septum predict` with a bundle. @param folder that holds `model.json`. @returns the exit code. */
export function predictBundleAction(
  cli: Cli,
  folder: string,
  inputs: readonly string[],
  options: PredictOptions,
): Promise<number> {
  return runCommand(cli, {
    name: 'predict',
    options,
    onInterrupt: 'stopping after this window.',
    afterInterrupt: 'The same command goes on with the rest.',
    async work({ reporter, signal }) {
      checkOptions(inputs, options)
      const { bundleFolder, predictBundles } = await import('../../inference/index.js')
      const { samples, seed, out, overlap, window, format, maps, batch, shard, overwrite, threads } = options
      const bundles = [folder, ...(options.ensemble ?? []).map((other) => bundleFolder(other) ?? other)]
      const result = await predictBundles({
        bundles,
        inputs,
        out,
        seed,
        ...defined({ samples, overlap, window, format, maps, batch, shard, overwrite, threads }),
        ...(options.flips && { flips: [true, true, true] as const }),
        cleaning: await cleaningOf(folder, options),
        ...(options.preview && { onCase: (item: FinishedCase) => preview(out, item) }),
        reporter,
        signal,
      })
      return {
        result,
        text: summary(result),
        next:
          result.cases + result.skipped > 0
            ? `septum evaluate ${shellLine([out])} REFERENCES`
            : 'repair what is listed, then type the command again',
        failed: result.failures.length > 0,
      }
    },
  })
}

async function preview(out: string, item: FinishedCase): Promise<readonly string[]> {
  const [{ previewOf }, { writePreview }] = await Promise.all([
    import('./bundle-preview.js'),
    import('./figure.js'),
  ])
  await writePreview(out, previewOf(item))
  return [`preview/${item.name}.png`]
}

/** Without the fields that were not given. */
function defined<T extends Partial<BundlePredictRequest>>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T
}

function summary({ cases, skipped, failures, samples, files, seconds, out }: BundlePredictResult): string[] {
  const each = samples > 1 ? ` with ${samples} samples each` : ''
  const pace = cases > 0 ? `, ${(seconds / cases).toFixed(2)} s an image` : ''
  const images = cases === 1 ? '1 image' : `${cases} images`
  const before = skipped > 0 ? ` ${skipped} were finished before.` : ''
  const lines = [
    `Segmented ${images}${each} in ${formatDuration(seconds)}${pace}: ${files} files in ${out}.${before}`,
  ]
  if (failures.length === 0) return lines
  const shown = failures.slice(0, 20).map(({ case: name, message }) => `  ${name}: ${message}.`)
  const more =
    failures.length > shown.length ? [`  … and ${failures.length - shown.length} more in run.json`] : []
  return [...lines, `${failures.length} could not be segmented:`, ...shown, ...more]
}

function checkOptions(inputs: readonly string[], { split, device }: PredictOptions): void {
  if (split !== undefined) {
    throw new SeptumError(
      'usage-inputs',
      'A bundle knows no data set: --split needs a run',
      'Name image files or folders, or add --engine torch.',
    )
  }
  if (device?.startsWith('cuda')) {
    throw new SeptumError(
      'usage-engine',
      'ONNX Runtime for Node is used on the CPU',
      'Leave --device out, or give a run and --engine torch.',
    )
  }
  if (inputs.length > 0) return
  throw new SeptumError('usage-inputs', 'No image is given', 'Name image files or folders after the model.')
}

/** `--keep-largest` and `--least-size` by class. @throws SeptumError `usage-least-size`. */
async function cleaningOf(
  folder: string,
  { keepLargest, leastSize = [] }: PredictOptions,
): Promise<CleaningRules> {
  const all = async (): Promise<string[]> => {
    const { parseManifest } = await import('@septum/core')
    const file = join(folder, manifestFile)
    return parseManifest(await readFile(file, 'utf8'), file).classes.map(({ name }) => name)
  }
  const least: Record<string, { size: number; unit: 'samples' | 'mm' }> = {}
  for (const entry of leastSize) {
    const [, name, number, unit] = /^(?:(.+)=)?(\d+(?:\.\d+)?)(mm)?$/.exec(entry) ?? []
    if (number === undefined) {
      throw new SeptumError(
        'usage-least-size',
        `The size "${entry}" is not understood`,
        'Write 20, 30mm or class=20.',
        { option: '--least-size' },
      )
    }
    for (const each of name ? [name] : await all())
      least[each] = { size: Number(number), unit: unit ? 'mm' : 'samples' }
  }
  const largest =
    typeof keepLargest === 'string' ? keepLargest.split(',') : keepLargest === true ? await all() : []
  return { keepLargest: largest, least }
}
