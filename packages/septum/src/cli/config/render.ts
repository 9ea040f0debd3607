import { Document, isMap, isSeq, visit } from 'yaml'
import type { RunConfig } from '../../training/api.js'

/**
 * Text of `config.yaml`: every value, in the order of the schema, so that equal configurations are equal files.
 * @param command the command line, one argument an entry.
 */
export function renderConfig(config: RunConfig, version: string, command: readonly string[]): string {
  const steps = Object.fromEntries(Object.entries(config.training.steps).sort(([a], [b]) => (a < b ? -1 : 1)))
  const document = new Document({ ...config, training: { ...config.training, steps } })
  visit(document, {
    Collection(_, node) {
      // Short lists of numbers read better on one line: [1, 2, 4].
      if (isSeq(node) && node.items.every((item) => !isMap(item) && !isSeq(item))) node.flow = true
    },
  })
  const header = [
    `Septum ${version}: the full configuration of this run, as it was resolved for`,
    shellLine(command),
  ]
  return `${header.map((line) => `# ${line}\n`).join('')}${document.toString({ lineWidth: 110 })}`
}

/** A command line that can be pasted into a shell. */
export function shellLine(command: readonly string[]): string {
  return command.map(quote).join(' ')
}

function quote(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word
  // A line feed would end the comment that the line stands in.
  if (/[\r\n]/.test(word)) return `$${JSON.stringify(word).replaceAll("'", "\\'").replace(/^"|"$/g, "'")}`
  return `'${word.replaceAll("'", "'\\''")}'`
}
