import { type Reporter, SeptumError } from '@septum/core'
import type { ExportResult } from '../../export/index.js'
import type { RunConfig } from '../../training/api.js'
import { shellLine } from '../config/index.js'
import { formatDuration } from '../reporter/format.js'
import type { Workplace } from '../run-command.js'

/** Images that the bundle of a finished training is compared on. */
const IMAGES = 4

/** What the data set has to say was said when the training began. */
const withoutNotes = (reporter: Reporter): Reporter => ({
  info() {},
  warn: (text) => reporter.warn(text),
  progress: (label, total, unit) => reporter.progress(label, total, unit),
})

/** Codes that tell of a model that has no graph, rather than of something that went wrong. */
const withoutGraph = ['export-method', 'export-operator', 'export-in-place', 'export-size']

export interface BundleOutcome {
  /** For the result of `--json`; null: there is none. */
  readonly bundle: Pick<ExportResult, 'out' | 'files' | 'bytes' | 'maxDifference' | 'seconds'> | null
  readonly text: readonly string[]
}

/**
 * Writes the bundle of a run that was just trained. Whatever happens here, the run is there: a failure is a warning that
 * says how to repeat it, a model that has no graph one line.
 */
export async function bundleAfterTraining(
  run: string,
  { threads, licence }: Pick<RunConfig, 'threads' | 'licence'>,
  { cli, reporter, signal }: Workplace,
): Promise<BundleOutcome> {
  const again = `septum export ${shellLine([run])}`
  try {
    signal.throwIfAborted()
    const { exportRun } = await cli.load.exporting()
    const request = {
      run,
      images: IMAGES,
      version: cli.version,
      threads,
      reporter: withoutNotes(reporter),
      signal,
    }
    const { out, files, bytes, maxDifference, seconds } = await exportRun({
      ...request,
      ...(licence ? { licence } : {}),
    })
    const size = (bytes / 1e6).toFixed(1)
    return {
      bundle: { out, files, bytes, maxDifference, seconds },
      text: [
        `Bundle in ${out}: ${size} MB, at most ${maxDifference.toPrecision(2)} from the trained model, written in ${formatDuration(seconds)}.`,
      ],
    }
  } catch (error) {
    if (error instanceof SeptumError && withoutGraph.includes(error.code)) {
      return {
        bundle: null,
        text: [`No bundle: ${error.message}. septum predict RUN runs it with libtorch.`],
      }
    }
    const reason = signal.aborted
      ? 'stopped'
      : error instanceof SeptumError
        ? error.toLine()
        : error instanceof Error
          ? error.message
          : String(error)
    reporter.warn(
      `The run is complete, but its bundle was not written: ${reason.replace(/\.$/, '')}. Repeat it with ${again}.`,
    )
    return { bundle: null, text: [] }
  }
}
