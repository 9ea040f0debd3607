import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { methodOptions, resolveConfig } from '../src/cli/config/index.js'
import { descriptionSchema } from '../src/datasets/description.js'
import { methods } from '../src/methods/index.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const skipped = new Set(['node_modules', 'dist', 'build', 'runs', '.git', 'fixtures'])

function filesBelow(folder: string, suffix: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return skipped.has(entry.name) ? [] : filesBelow(path, suffix)
    return entry.name.endsWith(suffix) ? [path] : []
  })
}

const pages = filesBelow(root, '.md')
const read = (file: string): string => readFileSync(file, 'utf8')
const short = (file: string): string => relative(root, file)
const codeBlocks = (text: string, language: string): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(([, block]) => block!)
const withoutCode = (text: string): string => text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '')

/** The first argument of a call whose text begins after the opening parenthesis. */
function firstArgument(text: string): string {
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const letter = text[i]!
    if ('([{'.includes(letter)) depth++
    else if (')]}'.includes(letter)) depth--
    if (depth < 0 || (letter === ',' && depth === 0)) return text.slice(0, i)
  }
  return text
}

const codesOf = (text: string): string[] =>
  [...text.matchAll(/'([a-z][a-z0-9]*(?:-[a-z0-9]+)+)'/g)].map(([, code]) => code!)

/** Codes that Septum throws: first arguments of what makes its errors, and literals that reach one by a variable. */
function thrownCodes(): Set<string> {
  const codes = new Set<string>()
  const sources = filesBelow(join(root, 'packages'), '.ts').filter(
    (file) => /\/src\//.test(file) && !file.endsWith('.test.ts'),
  )
  for (const text of sources.map(read)) {
    for (const call of text.matchAll(/\b(?:SeptumError|fail|bundleProblem|problems\.add)\(/g)) {
      const argument = firstArgument(
        text.slice(call.index + call[0].length, call.index + call[0].length + 300),
      )
      for (const code of codesOf(argument)) codes.add(code)
    }
    for (const [, code] of text.matchAll(
      /(?:code: |\[)'((?:usage|safetensors|pth|zip|file)-[a-z0-9-]+|unexpected)'/g,
    ))
      codes.add(code!)
  }
  const errors = read(join(root, 'packages/septum/src/cli/errors.ts'))
  for (const [, name] of errors.matchAll(/^ {2}(E[A-Z]+): \[/gm)) codes.add(`system-${name!.toLowerCase()}`)
  return codes
}

/** What the command-line parser finds wrong, as `cli/usage.ts` names it; help and version are no errors. */
function parserCodes(): Set<string> {
  const library = join(dirname(createRequire(import.meta.url).resolve('commander')), 'lib')
  const names = filesBelow(library, '.js').flatMap((file) =>
    [...read(file).matchAll(/'commander\.(\w+)'/g)].map(([, name]) => name!),
  )
  const wrong = names.filter(
    (name) => !['help', 'helpDisplayed', 'version', 'executeSubCommandAsync', 'error'].includes(name),
  )
  return new Set(
    wrong.map((name) => `usage-${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`),
  )
}

describe('docs/errors.md', () => {
  const listed = [...read(join(root, 'docs/errors.md')).matchAll(/^\| `([^`]+)` \|/gm)].map(
    ([, code]) => code!,
  )
  const known = new Set([...thrownCodes(), ...parserCodes()])

  it('lists every code, and no other', () => {
    expect([...known].filter((code) => !listed.includes(code)).sort(), 'codes without a line').toEqual([])
    expect(
      listed.filter((code) => !known.has(code)),
      'lines without a code',
    ).toEqual([])
  })

  it('lists a code once', () => {
    expect(listed.filter((code, i) => listed.indexOf(code) !== i)).toEqual([])
    expect(listed.length).toBeGreaterThan(150)
  })
})

describe('options in the documentation', () => {
  const names = new Set(
    methods
      .flatMap((method) => methodOptions(method as never).map(({ name }) => name))
      .flatMap((name) => {
        const parts = name.split('.')
        return parts.map((_, i) => parts.slice(0, i + 1).join('.'))
      }),
  )

  it.each(pages.map((file) => [short(file), file]))('%s names options that exist', (_, file) => {
    const named = [...read(file).matchAll(/\boptions\.(?!ts\b)([A-Za-z]\w*(?:\.[A-Za-z]\w*)*)/g)].map(
      ([, name]) => name!,
    )
    expect(named.filter((name) => !names.has(name))).toEqual([])
  })

  const commands = pages.flatMap((file) =>
    codeBlocks(read(file), 'sh')
      .flatMap((block) => block.split('\n'))
      .filter((line) => line.includes('--set '))
      .map((line): [string, string] => [short(file), line]),
  )

  it('has commands with --set', () => expect(commands.length).toBeGreaterThan(10))

  it.each(commands)('%s: %s', (page, line) => {
    // A page of a method may write its own command once and call it $base.
    const method = /--method (\S+)/.exec(line)?.[1] ?? /methods\/([\w-]+)\/README/.exec(page)?.[1]
    expect(method).toBeDefined()
    const assignments = [...line.matchAll(/--set '?([^\s']+)'?/g)].map(([, text]) => text!)
    const flags = [
      { path: ['method'], value: method, flag: '--method' },
      { path: ['data', 'path'], value: 'data', flag: 'data' },
    ]
    expect(() => resolveConfig({ files: [], assignments, flags }, methods as never)).not.toThrow()
  })

  it('of every table row on a method page exist below its group', () => {
    for (const method of methods) {
      const page = join(root, 'packages/septum/src/methods', method.name, 'README.md')
      const own = methodOptions(method as never).map(({ name }) => name.split('.').at(-1)!)
      for (const name of own) expect(read(page), `${method.name}: ${name}`).toContain(name)
    }
  })

  it('dataset.yaml in docs/data.md is understood', () => {
    const text = read(join(root, 'docs/data.md'))
    const examples = codeBlocks(text, 'yaml')
    expect(examples.length).toBeGreaterThan(0)
    for (const example of examples) expect(() => descriptionSchema.parse(parse(example))).not.toThrow()
    for (const key of Object.keys(descriptionSchema.shape)) expect(text, key).toContain(`\`${key}\``)
  })
})

/** Anchors of a page as GitHub makes them from headings. */
const anchorsOf = (text: string): string[] =>
  [...text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )

describe('relative links', () => {
  it.each(pages.map((file) => [short(file), file]))('of %s lead somewhere', (_, file) => {
    const links = [...withoutCode(read(file)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!)
    const broken = links
      .filter((link) => !/^[a-z]+:/.test(link))
      .filter((link) => {
        const [path = '', anchor] = link.split('#')
        const target = path === '' ? file : resolve(dirname(file), path)
        if (!existsSync(target)) return true
        return anchor !== undefined && target.endsWith('.md') && !anchorsOf(read(target)).includes(anchor)
      })
    expect(broken).toEqual([])
  })
})
