import type { DataConvertOptions } from '../commands/data.js'
import { shellLine } from '../config/index.js'
import type { Cli } from '../context.js'
import { runCommand } from '../run-command.js'
import { readingOf } from './data-check.js'

/** @returns the exit code. */
export function dataConvertAction(cli: Cli, dir: string, options: DataConvertOptions): Promise<number> {
  return runCommand(cli, {
    name: 'data convert',
    options,
    onInterrupt: 'stopping.',
    async work({ reporter, signal }) {
      const { convertDataset } = await import('../../datasets/index.js')
      const { to, out, rater } = options
      const result = await convertDataset({
        ...{ dir, to, out, reporter, signal },
        ...readingOf(options),
        ...(rater === undefined ? {} : { rater }),
      })
      const { cases, files, ending, classes, notes } = result
      return {
        result: { out, to, ...result },
        text: [
          `${cases} cases in ${files} files (${ending}), classes ${classes.map((name, index) => `${index + 1} = ${name}`).join(', ')}`,
          ...notes,
          `Written: ${out}`,
        ],
        next: shellLine(['septum', 'data', 'check', out, '--out', 'check']),
      }
    },
  })
}
