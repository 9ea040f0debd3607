import type { Dataset } from '../dataset.js'
import type { Keyword } from '../tags.js'

/** Decoders of the character sets of PS3.3 C.12.1.1.2; what is missing here is read as ISO 8859-1. */
const decoders: Readonly<Record<string, string>> = {
  'ISO_IR 100': 'iso-8859-1',
  'ISO_IR 101': 'iso-8859-2',
  'ISO_IR 109': 'iso-8859-3',
  'ISO_IR 110': 'iso-8859-4',
  'ISO_IR 144': 'iso-8859-5',
  'ISO_IR 127': 'iso-8859-6',
  'ISO_IR 126': 'iso-8859-7',
  'ISO_IR 138': 'iso-8859-8',
  'ISO_IR 148': 'windows-1254',
  'ISO_IR 166': 'windows-874',
  'ISO_IR 13': 'shift_jis',
  'ISO_IR 192': 'utf-8',
  GB18030: 'gb18030',
  GBK: 'gbk',
  'ISO 2022 IR 87': 'iso-2022-jp',
  'ISO 2022 IR 149': 'euc-kr',
  'ISO 2022 IR 58': 'gb18030',
}

/** A text of a data set in its own character set; of several sets the last that is known counts. */
export function textOf(dataset: Dataset, keyword: Keyword): string {
  const raw = dataset.raw(keyword)
  if (!raw) return ''
  const sets = (dataset.text('SpecificCharacterSet') ?? '').split('\\').map((set) => set.trim())
  const label = sets.map((set) => decoders[set]).findLast((found) => found !== undefined)
  return new TextDecoder(label ?? 'iso-8859-1').decode(raw).replace(/[\0 ]+$/, '')
}
