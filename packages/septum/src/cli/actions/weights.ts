import { SeptumError } from '@septum/core'
import type { BackboneName, ImportReport } from '../../blocks/backbones/index.js'
import type { WeightsImportOptions } from '../commands/weights.js'
import type { Cli, CommonOptions } from '../context.js'
import { nearest } from '../nearest.js'
import { runCommand } from '../run-command.js'
import { formatTable } from '../table.js'

const NEXT = (encoder: string): string =>
  `septum train DATASET --method m2snet --set options.encoder=${encoder} --out runs/m2snet`

/** @returns the exit code. */
export function weightsImportAction(cli: Cli, file: string, options: WeightsImportOptions): Promise<number> {
  return runCommand(cli, {
    name: 'weights import',
    options,
    onInterrupt: 'stopping.',
    async work({ reporter }) {
      const { backboneNames, importWeights } = await import('../../blocks/backbones/index.js')
      const report = importWeights(file, encoderNamed(options.as, backboneNames))
      const { unknown } = report
      if (unknown.length > 0) {
        reporter.warn(
          `${unknown.length} tensors of the file have no place in ${report.backbone}: ${few(unknown)}.`,
        )
      }
      return { result: report, text: [told(report)], next: NEXT(report.backbone) }
    },
  })
}

function encoderNamed(name: string | undefined, known: readonly BackboneName[]): BackboneName | null {
  if (name === undefined) return null
  const found = known.find((one) => one === name)
  if (found) return found
  const close = nearest(name, known)
  throw new SeptumError(
    'usage-weights-encoder',
    `There is no image encoder "${name}"`,
    close ? `Did you mean ${close}?` : `Name one of: ${known.join(', ')}.`,
    { option: '--as' },
  )
}

const few = (names: readonly string[]): string =>
  names.slice(0, 4).join(', ') + (names.length > 4 ? `, and ${names.length - 4} more` : '')

function told({ backbone, parameters, matched, unused, file }: ImportReport): string {
  const left = unused.length > 0 ? `; ${unused.length} of its classifier left out` : ''
  return `${backbone}: ${matched.length} tensors match, ${parameters.toLocaleString('en')} parameters${left}. Kept in ${file}.`
}

/** @returns the exit code. */
export function weightsListAction(cli: Cli, options: CommonOptions): Promise<number> {
  return runCommand(cli, {
    name: 'weights list',
    options,
    onInterrupt: 'stopping.',
    async work({ columns, paint }) {
      const { backboneNames, findWeights } = await import('../../blocks/backbones/index.js')
      const encoders = backboneNames.map((name) => ({ name, file: findWeights(name) }))
      const rows = encoders.map(({ name, file }) => [name, file ?? 'none: starts at random'])
      return {
        result: { encoders },
        text: formatTable([{ title: 'encoder' }, { title: 'weights', wrap: true }], rows, { columns, paint }),
        next: 'septum weights import FILE',
      }
    },
  })
}
