import { readFileSync } from 'node:fs'
import { SeptumError } from '@septum/core'
import type { CostNode } from '../../comparison/cost/index.js'
import type { ProfileOptions } from '../commands/profile.js'
import { type ConfigSource, resolveConfig } from '../config/index.js'
import type { Cli } from '../context.js'
import { type Outcome, runCommand, type Workplace } from '../run-command.js'
import { type Column, formatTable, wrapText } from '../table.js'

/** @returns the exit code. */
export function profileAction(cli: Cli, method: string, options: ProfileOptions): Promise<number> {
  return runCommand(cli, {
    name: 'profile',
    options,
    onInterrupt: 'stopping.',
    work: (place) => profile(place, method, options),
  })
}

async function profile(place: Workplace, name: string, options: ProfileOptions): Promise<Outcome> {
  const { cli, columns, paint } = place
  const { config, method } = resolveConfig(
    {
      files: options.config ? [readConfig(options.config)] : [],
      assignments: options.set ?? [],
      flags: [
        { path: ['method'], value: name, flag: name },
        // No data set is read: the configuration only has to be complete.
        { path: ['data', 'path'], value: '.', flag: '' },
      ],
    },
    await cli.load.methods(),
  )
  const imageSize = options.size ?? config.data.imageSize ?? [352, 352]
  const { channels = 3, classes = 1 } = options
  const { costTree, methodCost } = await import('../../comparison/cost/index.js')
  const cost = await methodCost(method.name, config.options, {
    dimensions: 2,
    imageChannels: channels,
    classes: Array.from({ length: classes }, (_, i) => `class ${i + 1}`),
    raters: 1,
    imageSize,
  })
  const tree = inner(costTree(cost.layers))
  const size = imageSize.join(' x ')
  return {
    result: { method: method.name, imageSize, channels, classes, ...cost },
    text: [
      paint('bold', `${method.title}: one mask of an image of ${size}, ${channels} channels`),
      ...formatTable(heads, [...rowsOf(tree, tree, options.depth ?? 99), totals(tree)], { columns, paint }),
      '',
      ...wrapText(
        `${millions(cost.parameters)} parameters, ${billions(cost.macs)} multiply-adds (twice as many FLOPs) of convolutions and linear layers.`,
        columns,
      ),
    ],
    next: `septum train DATASET --method ${method.name} --out runs/${method.name}`,
  }
}

/** What is inside a module that holds all there is, as `network` does in most methods. */
function inner(tree: CostNode): CostNode {
  const [only] = tree.children
  return only && tree.children.length === 1 && only.kind === '' ? inner(only) : tree
}

const heads: readonly Column[] = [
  { title: 'layer' },
  { title: 'kind' },
  { title: 'parameters', align: 'right' },
  { title: 'multiply-adds', align: 'right' },
  { title: 'share', align: 'right' },
  { title: 'output' },
]

function rowsOf(root: CostNode, node: CostNode, depth: number, level = 0): string[][] {
  if (level === depth) return []
  return node.children.flatMap((child) => [
    [
      `${'  '.repeat(level)}${child.name}`,
      child.kind,
      child.parameters.toLocaleString('en'),
      child.macs === 0 ? '' : child.macs.toLocaleString('en'),
      child.macs === 0 ? '' : `${((100 * child.macs) / root.macs).toFixed(1)} %`,
      outputOf(child),
    ],
    ...rowsOf(root, child, depth, level + 1),
  ])
}

const totals = (tree: CostNode): string[] => [
  'total',
  '',
  tree.parameters.toLocaleString('en'),
  tree.macs.toLocaleString('en'),
  '100.0 %',
  '',
]

function outputOf({ kind, output, calls }: CostNode): string {
  if (kind === '' || output === null) return ''
  return `${output.join(' x ')}${calls > 1 ? `, ${calls} calls` : ''}`
}

const millions = (count: number): string => `${(count / 1e6).toFixed(2)} M`
const billions = (count: number): string => `${(count / 1e9).toFixed(2)} G`

function readConfig(file: string): ConfigSource {
  try {
    return { file, text: readFileSync(file, 'utf8') }
  } catch (cause) {
    const hint = 'Check the path after --config.'
    throw new SeptumError('config-file', 'The configuration file cannot be read', hint, { file }, { cause })
  }
}
