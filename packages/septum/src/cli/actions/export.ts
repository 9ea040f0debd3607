import { type BundlePrecision, SeptumError } from '@septum/core'
import type { ExportOptions } from '../commands/export.js'
import { shellLine } from '../config/render.js'
import type { Cli } from '../context.js'
import { formatDuration } from '../reporter/format.js'
import { runCommand } from '../run-command.js'
import { requireRun } from './predict.js'

/** @returns the exit code. */
export function exportAction(cli: Cli, run: string, options: ExportOptions): Promise<number> {
  const { out, dataset, images, licence, precision, ranges, calibration, validation, threads = 0 } = options
  return runCommand(cli, {
    name: 'export',
    options,
    onInterrupt: 'stopping; no bundle is written.',
    async work({ reporter, signal }) {
      requireRun(run)
      const { exportRun } = await import('../../export/index.js')
      const { version } = cli
      checkOptions(options)
      const result = await exportRun({
        run,
        out,
        dataset,
        images,
        ...(licence === undefined ? {} : { licence }),
        ...(precision ? { precision } : {}),
        ...(ranges ? { ranges } : {}),
        ...(calibration ? { calibrationImages: calibration } : {}),
        ...(validation ? { scoredImages: validation } : {}),
        version,
        threads,
        reporter,
        signal,
      })
      const size = (result.bytes / 1e6).toFixed(1)
      return {
        result,
        text: [
          `Wrote ${result.files} files, ${size} MB, to ${result.out} in ${formatDuration(result.seconds)}.`,
          `Largest difference from the trained model on ${result.images} images${precision ? ', in single precision' : ''}: ${result.maxDifference.toPrecision(2)}.`,
          ...(result.precision ? costOf(result.precision) : []),
        ],
        next: `septum predict ${shellLine([result.out])} IMAGES --out masks/`,
      }
    },
  })
}

/** What fewer bits cost, in words. */
function costOf({ kind, layers, kept = [], dice, maxDifference, meanDifference }: BundlePrecision): string[] {
  const { single, reduced, agreement, images, split } = dice
  const what =
    kind === 'fp16'
      ? `${layers} tensors of weights in 16 bits`
      : `${layers} layers in 8 bits, ${kept.length} kept in single precision${kept.length > 0 ? ` (${kept.slice(0, 5).join(', ')}${kept.length > 5 ? ', …' : ''})` : ''}`
  return [
    `${what}.`,
    `Dice on ${images} images of the ${split} split: ${reduced.toFixed(4)}, in single precision ${single.toFixed(4)}: a loss of ${(single - reduced).toFixed(4)}. The masks agree with Dice ${agreement.toFixed(4)}.`,
    `Probabilities differ by ${meanDifference.toPrecision(2)} on average, at most by ${maxDifference.toPrecision(2)}.`,
  ]
}

/** @throws SeptumError `usage-conflicting-option` for options of another precision. */
function checkOptions({ precision, ranges, calibration, validation }: ExportOptions): void {
  const alone =
    precision !== 'int8' && (ranges ?? calibration) !== undefined
      ? '--ranges and --calibration need --precision int8'
      : precision === undefined && validation !== undefined
        ? '--validation needs --precision'
        : undefined
  if (alone) throw new SeptumError('usage-conflicting-option', alone, 'Add it, or leave the option out.')
}
