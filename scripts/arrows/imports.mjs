// Reads the imports of a TypeScript file without a TypeScript parser.

/**
 * @typedef {object} Import
 * @property {string} from the module as written
 * @property {number} line counted from 1
 * @property {'value' | 'type' | 'dynamic'} kind `type` is erased, `dynamic` (`import(…)`, `require(…)`) runs later
 */

/** @param {string} source @returns {Import[]} in the order of the file */
export function importsOf(source) {
  const { code, strings } = withoutText(source)
  const found = []
  const add = (match, index, kind) => {
    const { text, line } = strings[Number(index)]
    found.push({ from: text, line, kind, at: match.index })
  }
  // Between `import`/`export` and `from` stand only names, braces, commas and stars.
  for (const match of code.matchAll(
    /\b(?:import|export)\s+(type\s+(?!from\b)|type(?=[{*]))?[\w$\s{},*]*?\bfrom\s*"(\d+)"/g,
  )) {
    add(match, match[2], match[1] ? 'type' : 'value')
  }
  for (const match of code.matchAll(/\bimport\s*"(\d+)"/g)) add(match, match[1], 'value')
  for (const match of code.matchAll(/\b(?:import|require)\s*\(\s*"(\d+)"/g)) add(match, match[1], 'dynamic')
  return found.sort((a, b) => a.at - b.at).map(({ from, line, kind }) => ({ from, line, kind }))
}

/**
 * Drops comments and regular expressions and puts `"<index>"` in place of each string, so that no quoted
 * or commented text can look like an import.
 */
function withoutText(source) {
  const strings = []
  // Open `${` of template strings: the number of braces that are open inside each.
  const templates = []
  let code = ''
  let i = 0
  let line = 1
  const lineFeedsIn = (text) => text.split('\n').length - 1

  const readQuoted = (end) => {
    const start = i++
    while (i < source.length && source[i] !== end) i += source[i] === '\\' ? 2 : 1
    i++
    strings.push({ text: source.slice(start + 1, i - 1), line })
    code += `"${strings.length - 1}"`
    line += lineFeedsIn(source.slice(start, i))
  }
  /** From just behind a backtick or a closing brace to the next `${` or the closing backtick. */
  const readTemplate = () => {
    const start = i
    while (i < source.length && source[i] !== '`' && !source.startsWith('${', i))
      i += source[i] === '\\' ? 2 : 1
    if (source.startsWith('${', i)) {
      templates.push(0)
      i += 2
    } else i++
    line += lineFeedsIn(source.slice(start, i))
    code += ' '
  }
  const skipTo = (end) => {
    const at = source.indexOf(end, i + 2)
    const stop = at < 0 ? source.length : at + (end === '\n' ? 0 : end.length)
    line += lineFeedsIn(source.slice(i, stop))
    i = stop
    code += ' '
  }

  while (i < source.length) {
    const char = source[i]
    if (source.startsWith('//', i)) skipTo('\n')
    else if (source.startsWith('/*', i)) skipTo('*/')
    else if (char === '"' || char === "'") readQuoted(char)
    else if (char === '`') {
      i++
      readTemplate()
    } else if (char === '/' && startsRegExp(code)) {
      i = endOfRegExp(source, i)
      code += ' 0 '
    } else if (char === '}' && templates.at(-1) === 0) {
      templates.pop()
      i++
      readTemplate()
    } else {
      if (templates.length > 0 && char === '{') templates[templates.length - 1]++
      if (templates.length > 0 && char === '}') templates[templates.length - 1]--
      if (char === '\n') line++
      code += char
      i++
    }
  }
  return { code, strings }
}

/** A slash divides after a value and starts a regular expression anywhere else. */
function startsRegExp(before) {
  const text = before.trimEnd()
  return (
    text === '' || /[(,=:[!&|?{};+\-*%~^<>]$|\b(?:return|typeof|case|in|of|do|else|yield|await)$/.test(text)
  )
}

function endOfRegExp(source, start) {
  let inClass = false
  for (let i = start + 1; i < source.length; i++) {
    const char = source[i]
    if (char === '\\') i++
    else if (char === '[') inClass = true
    else if (char === ']') inClass = false
    else if (char === '\n') return i
    else if (char === '/' && !inClass) return i + 1
  }
  return source.length
}
