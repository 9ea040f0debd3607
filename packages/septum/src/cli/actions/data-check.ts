import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DatasetCheck, FolderDataset, Thumbnail } from '../../datasets/index.js'
import type { DataCheckOptions } from '../commands/data.js'
import { shellLine } from '../config/index.js'
import type { Cli } from '../context.js'
import { exitCodes } from '../errors.js'
import { type Outcome, runCommand, type Workplace } from '../run-command.js'
import { formatTable, wrapText } from '../table.js'

const SHOWN = 20

/** @returns the exit code: 1 also when the data set has problems. */
export async function dataCheckAction(cli: Cli, dataset: string, options: DataCheckOptions): Promise<number> {
  let problems = 0
  const code = await runCommand(cli, {
    name: 'data check',
    options,
    onInterrupt: 'stopping.',
    async work(place) {
      const { checkDataset } = await import('../../datasets/index.js')
      const { check, dataset: opened } = await checkDataset(dataset, {
        reporter: place.reporter,
        signal: place.signal,
        ...readingOf(options),
      })
      problems = check.problems.length
      const next = nextCommand(check, dataset, options)
      const files =
        options.out === undefined
          ? []
          : await writePage(check, opened, options.out, options.pictures, next, place)
      return describe(check, files, next, place)
    },
  })
  return code === exitCodes.done && problems > 0 ? exitCodes.failed : code
}

/** Options of the reader, without keys that were not given. */
export const readingOf = ({ layout, description }: { layout?: string; description?: string }) => ({
  ...(layout === undefined ? {} : { layout }),
  ...(description === undefined ? {} : { description }),
})

function nextCommand(check: DatasetCheck, dataset: string, options: DataCheckOptions): string {
  if (check.problems.length > 0)
    return `repair what is listed, then ${shellLine(['septum', 'data', 'check', dataset])}`
  if (options.out === undefined) return shellLine(['septum', 'data', 'check', dataset, '--out', 'check'])
  return check.split
    ? shellLine(['septum', 'train', dataset, '--method', 'unet', '--out', 'runs/first'])
    : shellLine(['septum', 'data', 'split', dataset, '--folds', '5', '--out', 'splits.json'])
}

async function writePage(
  check: DatasetCheck,
  dataset: FolderDataset,
  out: string,
  pictures: number,
  next: string,
  { reporter, signal }: Workplace,
): Promise<string[]> {
  const [
    { chooseCases, layersOf, readThumbnail, selectCases },
    { renderContactSheet, renderDatasetPage, svgToPng },
  ] = await Promise.all([import('../../datasets/index.js'), import('../../report/index.js')])
  const chosen = chooseCases(dataset.cases, pictures)
  const parts = dataset.splits ? selectCases(dataset.cases, dataset.splits) : undefined
  const thumbnails: Thumbnail[] = []
  const captions: string[] = []
  const progress = reporter.progress('Drawing the contact sheet', chosen.length, 'cases')
  for (const [index, entry] of chosen.entries()) {
    signal.throwIfAborted()
    try {
      thumbnails.push(await readThumbnail(dataset, entry))
      const part = (['train', 'val', 'test'] as const).find((name) => parts?.[name].includes(entry))
      const size = entry.shape.slice(1).reverse().join(' x ')
      captions.push(
        [size, part && { train: 'training', val: 'validation', test: 'test' }[part]]
          .filter(Boolean)
          .join(', '),
      )
    } catch {
      // What cannot be read is among the problems already.
    }
    progress.update(index + 1)
  }
  progress.finish()
  const sheet = { thumbnails, layers: layersOf(dataset), captions }
  const explanation = check.problems.length > 0 ? 'Problems first:' : 'The data set is ready. To go on:'
  const page = await renderDatasetPage({ check, sheet, next: { command: next, explanation } })
  const png = svgToPng(await renderContactSheet({ ...sheet, margin: 24 }), {
    background: '#ffffff',
    scale: 1.5,
  })
  await mkdir(out, { recursive: true })
  const files = ['check.html', 'contact-sheet.png', 'check.json'].map((name) => join(out, name))
  await writeFile(files[0]!, page)
  await writeFile(files[1]!, png)
  await writeFile(files[2]!, `${JSON.stringify(check, null, 2)}\n`)
  return files
}

function describe(check: DatasetCheck, files: readonly string[], next: string, place: Workplace): Outcome {
  const { columns, paint } = place
  const { problems, warnings, split, classRows, labelled } = check
  const spacing = check.spacings[0]
  const facts: [string, string][] = [
    ['layout', check.layout],
    [
      'cases',
      `${check.cases} of ${check.patients} patients, ${labelled} labelled${check.volumes > 0 ? `, ${check.volumes} volumes` : ''}`,
    ],
    [
      'images',
      `${check.channels}; ${check.formats.map(({ value, count }) => `${count} ${value}`).join(', ')}`,
    ],
    [
      'sizes',
      `${check.sizes
        .slice(0, 3)
        .map(({ value, count }) => `${value} (${count})`)
        .join(', ')}${check.sizes.length > 3 ? ` and ${check.sizes.length - 3} others` : ''}`,
    ],
    [
      'spacing',
      spacing
        ? `${spacing.value} mm (${spacing.count})${check.spacings.length > 1 ? ` and ${check.spacings.length - 1} others` : ''}`
        : 'none',
    ],
    ['raters', `${check.raters.length}`],
    ['labels', check.labels],
    [
      'split',
      split
        ? `${split.scheme}: ${split.parts.train.cases} / ${split.parts.val.cases} / ${split.parts.test.cases} cases, ${split.hash.slice(0, 12)}`
        : 'none',
    ],
    ['licence', check.licence ?? 'not stated'],
  ]
  const classes =
    labelled === 0
      ? []
      : formatTable(
          [
            { title: 'class' },
            ...['cases', 'share %', 'parts', `median ${classRows[0]!.unit}`].map((title) => ({
              title,
              align: 'right' as const,
            })),
          ],
          classRows.map(({ name, cases, share, parts }) => [
            name,
            `${cases}`,
            (100 * share).toPrecision(3),
            `${parts?.count ?? 0}`,
            parts ? `${Number(parts.median.toPrecision(3))}` : '-',
          ]),
          { columns, paint },
        )
  const listed = (title: string, rows: DatasetCheck['problems'], colour: 'red' | 'yellow') =>
    rows.length === 0
      ? []
      : [
          '',
          paint(colour, `${rows.length} ${title}`),
          ...rows.slice(0, SHOWN).flatMap(({ message, hint, case: name, file }) => {
            const where = [name && `case ${name}`, file].filter(Boolean).join(', ')
            return wrapText(`${message}${where ? ` (${where})` : ''}. ${hint}`, columns - 2).map(
              (line) => `  ${line}`,
            )
          }),
          ...(rows.length > SHOWN ? [`  and ${rows.length - SHOWN} more`] : []),
        ]
  return {
    result: { ...check, classRows: classRows.map(({ sizes: _, ...row }) => row), files },
    text: [
      ...formatTable([{ title: check.name }, { title: '', wrap: true }], facts, { columns, paint }),
      '',
      ...classes,
      ...listed(problems.length === 1 ? 'problem' : 'problems', problems, 'red'),
      ...listed(warnings.length === 1 ? 'thing to look at' : 'things to look at', warnings, 'yellow'),
      '',
      ...(problems.length === 0 ? ['No problem was found.'] : []),
      ...(files.length > 0 ? [`Written: ${files.join(', ')}`] : []),
    ],
    next,
  }
}
