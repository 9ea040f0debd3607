import type { ExportOptions } from '../commands/export.js'
import { shellLine } from '../config/render.js'
import type { Cli } from '../context.js'
import { formatDuration } from '../reporter/format.js'
import { runCommand } from '../run-command.js'
import { requireRun } from './predict.js'

/** @returns the exit code. */
export function exportAction(cli: Cli, run: string, options: ExportOptions): Promise<number> {
  const { out, dataset, images, threads = 0 } = options
  return runCommand(cli, {
    name: 'export',
    options,
    onInterrupt: 'stopping; no bundle is written.',
    async work({ reporter, signal }) {
      requireRun(run)
      const { exportRun } = await import('../../export/index.js')
      const { version } = cli
      const result = await exportRun({ run, out, dataset, images, version, threads, reporter, signal })
      const size = (result.bytes / 1e6).toFixed(1)
      return {
        result,
        text: [
          `Wrote ${result.files} files, ${size} MB, to ${result.out} in ${formatDuration(result.seconds)}.`,
          `Largest difference from the trained model on ${result.images} images: ${result.maxDifference.toPrecision(2)}.`,
        ],
        next: `septum predict ${shellLine([result.out])} IMAGES --out masks/`,
      }
    },
  })
}
