import { SeptumError } from '@septum/core'
import type { Cli, CommonOptions } from '../context.js'
import { runCommand } from '../run-command.js'
import { formatTable, wrapText } from '../table.js'

/** Layouts that belong to no data set, in words. */
const GENERAL: Readonly<Record<string, string>> = {
  folders: 'images/ beside masks/ or labels/, one or several raters',
  patients: 'train|val|test/images/<patient>/ beside gt/<patient>/',
  nnunet: 'nnU-Net v2 raw: dataset.json, imagesTr/, labelsTr/, imagesTs/',
  msd: 'Medical Segmentation Decathlon: dataset.json with its lists',
  manifest: 'a table of files: manifest.csv or manifest.jsonl',
}

/** @returns the exit code. */
export function dataLayoutsAction(
  cli: Cli,
  name: string | undefined,
  options: CommonOptions,
): Promise<number> {
  return runCommand(cli, {
    name: 'data layouts',
    options,
    onInterrupt: 'stopping.',
    async work({ columns, paint }) {
      const { adapters } = await import('../../datasets/index.js')
      if (name === undefined) {
        const rows = [
          ...Object.entries(GENERAL).map(([layout, text]) => [layout, text]),
          ...adapters.map((adapter) => [adapter.name, `${adapter.title}; ${adapter.licence}`]),
        ]
        return {
          result: { layouts: GENERAL, datasets: adapters.map((adapter) => ({ ...adapter })) },
          text: formatTable([{ title: 'name' }, { title: 'what it is', wrap: true }], rows, {
            columns,
            paint,
          }),
          next: 'septum data check DATASET --out check',
        }
      }
      const adapter = adapters.find((one) => one.name === name)
      const general = GENERAL[name]
      if (!adapter && !general) {
        const known = [...Object.keys(GENERAL), ...adapters.map((one) => one.name)]
        throw new SeptumError(
          'usage-layout',
          `There is no layout "${name}"`,
          `Choose one of ${known.join(', ')}.`,
        )
      }
      if (!adapter) {
        return {
          result: { name, text: general },
          text: [`${name}: ${general}`],
          next: `septum data check DATASET --layout ${name}`,
        }
      }
      const { title, source, licence, citation, split, variants } = adapter
      const facts = [
        ['source', source],
        ['licence', licence],
        ['citation', citation],
        ['split', split],
        ...Object.entries(variants).map(([variant, text]) => [`${name}:${variant}`, text]),
      ]
      return {
        result: { name, title, source, licence, citation, split, variants },
        text: [
          ...wrapText(title, columns).map((line) => paint('bold', line)),
          ...formatTable([{ title: '' }, { title: '', wrap: true }], facts, { columns, paint }).slice(1),
        ],
        next: `septum data check DATASET --layout ${name}`,
      }
    },
  })
}
