import type { MethodCard } from '../../training/api.js'
import { findMethod, methodOptions, type OptionRow } from '../config/index.js'
import type { Cli, CommonOptions } from '../context.js'
import { type Outcome, runCommand, type Workplace } from '../run-command.js'
import { type Column, formatTable, wrapText } from '../table.js'

/** @returns the exit code. */
export function methodsAction(cli: Cli, name: string | undefined, options: CommonOptions): Promise<number> {
  return runCommand(cli, {
    name: 'methods',
    options,
    onInterrupt: 'stopping.',
    async work(place) {
      const methods = await cli.load.methods()
      return name === undefined ? list(methods, place) : describe(findMethod(name, methods), place)
    },
  })
}

function list(methods: readonly MethodCard[], { columns, paint }: Workplace): Outcome {
  const heads = [{ title: 'method' }, { title: 'title' }, { title: 'what it is', wrap: true }]
  const rows = methods.map(({ name, title, summary }) => [name, title, summary])
  return {
    result: { methods: methods.map(({ name, title, summary, paper }) => ({ name, title, summary, paper })) },
    text: formatTable(heads, rows, { columns, paint }),
    next: `septum methods ${methods[0]?.name ?? 'NAME'}`,
  }
}

function describe(method: MethodCard, { columns, paint }: Workplace): Outcome {
  const { name, title, summary, paper } = method
  const rows = methodOptions(method)
  return {
    result: { name, title, summary, paper, options: rows },
    text: [
      paint('bold', `${name}: ${title}`),
      ...wrapText(summary, columns),
      ...wrapText(`Paper: ${paper}`, columns),
      '',
      ...formatTable(heads, grouped(rows), { columns, paint }),
      '',
      `Set one with --set options.${rows[0]?.name ?? 'NAME'}=VALUE, or below "options:" in a --config file.`,
    ],
    next: `septum train DATASET --method ${name} --out runs/${name}`,
  }
}

const heads: readonly Column[] = [
  { title: 'option' },
  { title: 'default', wrap: true, widest: 20 },
  { title: 'values', wrap: true, widest: 20 },
  { title: 'what it is', wrap: true },
]

/** Rows with a line for each group, so that names need not repeat it. */
function grouped(rows: readonly OptionRow[]): string[][] {
  let group = ''
  return rows.flatMap((row) => {
    const at = row.name.lastIndexOf('.') + 1
    const opens = row.name.slice(0, at) !== group && at > 0
    group = row.name.slice(0, at)
    const line = [`${at ? '  ' : ''}${row.name.slice(at)}`, value(row.default), row.expected, row.description]
    return opens ? [[group.slice(0, -1)], line] : [line]
  })
}

const value = (given: unknown): string => {
  if (given === undefined) return '-'
  return typeof given === 'string' ? given : JSON.stringify(given).replaceAll(',', ', ')
}
