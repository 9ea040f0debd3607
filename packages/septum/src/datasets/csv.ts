import { readFile } from 'node:fs/promises'
import { SeptumError } from '@septum/core'

/** Splits comma-separated text with quoted fields (RFC 4180) into rows; empty lines are dropped. */
export function parseCsv(text: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let field = ''
  let quoted = false
  const endRow = () => {
    row.push(field)
    if (row.length > 1 || field !== '') rows.push(row)
    row = []
    field = ''
  }
  for (let i = text.charCodeAt(0) === 0xfeff ? 1 : 0; i < text.length; i++) {
    const letter = text[i]!
    if (quoted) {
      if (letter !== '"') field += letter
      else if (text[i + 1] === '"') field += text[++i]!
      else quoted = false
    } else if (letter === '"') quoted = true
    else if (letter === ',') {
      row.push(field)
      field = ''
    } else if (letter === '\n') endRow()
    else if (letter !== '\r') field += letter
  }
  endRow()
  return rows
}

/**
 * Reads two columns of a table as a map.
 * @throws SeptumError `table-missing` or `table-column`, naming the file and the columns it has.
 */
export async function readColumns(file: string, key: string, value: string): Promise<Map<string, string>> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new SeptumError('table-missing', 'The table cannot be read', 'Check the path.', { file }, { cause })
  })
  const [header = [], ...rows] = parseCsv(text)
  const columns = [key, value].map((name) => {
    const index = header.indexOf(name)
    if (index < 0) {
      throw new SeptumError(
        'table-column',
        `The table has no column "${name}"`,
        `Choose one of ${header.join(', ')}.`,
        { file },
      )
    }
    return index
  })
  return new Map(rows.map((row) => [row[columns[0]!] ?? '', row[columns[1]!] ?? '']))
}
