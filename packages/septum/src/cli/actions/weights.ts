import { SeptumError } from '@septum/core'
import type { BackboneName, ImportReport } from '../../blocks/backbones/index.js'
import type { TransunetImport } from '../../methods/transunet/index.js'
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
      if (/\.npz$/i.test(file)) {
        const report = await importArchive(file, options.as)
        if (report.unknown.length > 0)
          reporter.warn(
            `${report.unknown.length} arrays of the file have no place in TransUNet: ${few(report.unknown)}.`,
          )
        return { result: report, text: [toldOf(report)], next: nextOf(report) }
      }
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

/** Arrays of Google's release, for TransUNet. */
async function importArchive(file: string, as: string | undefined): Promise<TransunetImport> {
  if (as !== undefined && as !== 'transunet') {
    throw new SeptumError(
      'usage-weights-encoder',
      `A .npz archive holds weights of TransUNet, not of "${as}"`,
      'Leave --as out.',
      { option: '--as' },
    )
  }
  const { readNpz } = await import('../../formats/numpy/index.js')
  const { importTransunet } = await import('../../methods/transunet/index.js')
  const { tensor } = await import('@septum/torch')
  const arrays = new Map(
    Array.from(await readNpz(file), ([name, { data, shape }]) => {
      const values = data instanceof Float32Array ? data : Float32Array.from(data, Number)
      return [name, tensor(values, { shape })] as const
    }),
  )
  try {
    return importTransunet(arrays, file)
  } finally {
    for (const t of arrays.values()) t.free()
  }
}

function toldOf({ matched, parameters, unused, grid, file }: TransunetImport): string {
  const left = unused.length > 0 ? `; ${unused.length} of its classifier left out` : ''
  return `transunet: ${matched.length} tensors match, ${parameters.toLocaleString('en')} parameters, positions on ${grid.join(' x ')}${left}. Kept in ${file}.`
}

function nextOf({ options }: TransunetImport): string {
  const sizes = Object.entries(options).map(
    ([name, value]) => ` --set options.${name}=${JSON.stringify(value)}`,
  )
  return `septum train DATASET --method transunet${sizes.join('')} --out runs/transunet`
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
      const whole = { name: 'transunet', file: findWeights('transunet') }
      const rows = [...encoders, whole].map(({ name, file }) => [name, file ?? 'none: starts at random'])
      return {
        result: { encoders, networks: [whole] },
        text: formatTable([{ title: 'encoder' }, { title: 'weights', wrap: true }], rows, { columns, paint }),
        next: 'septum weights import FILE',
      }
    },
  })
}
