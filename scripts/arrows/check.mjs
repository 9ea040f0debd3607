import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join, posix } from 'node:path'
import { cyclesOf } from './cycles.mjs'
import { importsOf } from './imports.mjs'
import { folderRules, packageRules } from './rules.mjs'

/**
 * Holds every import of packages/<folder>/src against the table in rules.mjs.
 * @param {string} root folder that has packages/
 * @returns {{ files: number, violations: string[] }} one line each: `file:line  what and why`
 */
export function checkArrows(root) {
  const violations = []
  const packages = findPackages(root)
  let files = 0
  for (const self of packages) {
    if (!packageRules[self.name]) {
      violations.push(
        `packages/${self.folder}/package.json  ${self.name} has no row in scripts/arrows/rules.mjs`,
      )
      continue
    }
    const graph = new Map()
    for (const file of self.files) {
      files++
      const path = `packages/${self.folder}/src/${file}`
      const arrows = []
      const row = self.name === 'septum' ? rowOf(file) : undefined
      if (row && !folderRules[row])
        violations.push(`${path}:1  ${row} has no row in scripts/arrows/rules.mjs`)
      for (const { from, line, kind } of importsOf(readFileSync(join(root, path), 'utf8'))) {
        const target = from.startsWith('.') ? resolve(self.files, file, from) : undefined
        if (target && kind === 'value') arrows.push(target)
        const reason = target ? folderReason(self, file, target) : outsideReason(self, packages, file, from)
        if (reason) violations.push(`${path}:${line}  imports ${from}: ${reason}`)
      }
      graph.set(file, arrows)
    }
    for (const cycle of cyclesOf(graph)) {
      violations.push(
        `packages/${self.folder}/src/${cycle[0]}:1  is in a cycle: ${[...cycle, cycle[0]].join(' -> ')}`,
      )
    }
  }
  return { files, violations }
}

function findPackages(root) {
  const folders = readdirSync(join(root, 'packages')).sort()
  return folders
    .filter((folder) => existsSync(join(root, 'packages', folder, 'package.json')))
    .map((folder) => {
      const { name } = JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8'))
      return { folder, name, files: new Set(sourcesIn(join(root, 'packages', folder, 'src'))) }
    })
}

function sourcesIn(folder) {
  if (!existsSync(folder)) return []
  const names = readdirSync(folder, { recursive: true }).map((name) => name.split('\\').join('/'))
  return names.filter((name) => /\.m?tsx?$/.test(name) && !isForTests(name)).sort()
}

/** `x.test.ts`, and what tests share: `testing.ts` or a folder `testing/` or `test-support/`. */
const isForTests = (path) => /\.test\.\w+$|(^|\/)(testing|test-support)[./]/.test(path)

/** `./x.js` in source is x.ts on disk. A target outside src stays as written, with its leading `../`. */
function resolve(files, file, from) {
  const path = posix.join(posix.dirname(file), from)
  const candidates = [path, path.replace(/\.(m?)js$/, '.$1ts'), path.replace(/\.js$/, '.tsx')]
  return candidates.find((candidate) => files.has(candidate)) ?? path
}

/** The row of the table that a file of septum/src belongs to: its first folder, or itself. */
function rowOf(file) {
  return folderRules[file] || !file.includes('/') ? file : file.slice(0, file.indexOf('/'))
}

function folderReason(self, file, target) {
  if (isForTests(target)) return 'only tests may use it'
  if (target.startsWith('../../')) return 'another package is imported by its name'
  if (self.name !== 'septum' || target.startsWith('../')) return undefined
  const methodOf = (path) => path.match(/^methods\/([^/]+)\//)?.[1]
  const [a, b] = [methodOf(file), methodOf(target)]
  if (a && b && a !== b) return 'a method folder imports no other method folder'
  const [from, to] = [rowOf(file), rowOf(target)]
  if (from === to || !folderRules[from] || folderRules[from].includes(to)) return undefined
  return `${from} may not use ${to}`
}

function outsideReason(self, packages, file, from) {
  const rule = packageRules[self.name]
  if (from.startsWith('node:') || builtinModules.includes(from)) {
    if (!from.startsWith('node:')) return `write node:${from}`
    return rule.node ? undefined : `${self.name} runs in browsers too: no node: modules`
  }
  const name = from.split('/', from.startsWith('@') ? 2 : 1).join('/')
  if (!packages.some((other) => other.name === name) && !packageRules[name]) {
    return rule.npm === 'any' || rule.npm.includes(name)
      ? undefined
      : `${self.name} may not use npm's ${name}`
  }
  if (name === self.name) return 'a package imports its own files by path'
  if (from !== name && rule.packages.includes(from)) return undefined
  if (!rule.packages.includes(name)) return `${self.name} may not use ${name}`
  if (from !== name) return `only ${name} itself is public, not what lies inside it`
  if (self.name !== 'septum' || name === '@septum/core') return undefined
  const allowed = folderRules[rowOf(file)]
  return !allowed || allowed.includes(name) ? undefined : `${rowOf(file)} may not use ${name}`
}
