import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run, SetupError } from './progress.mjs'

/** What the built page depends on. Model files are large and are told by their sizes and dates. */
const sources = [
  'packages/viewer/src',
  'packages/viewer/build.mjs',
  'packages/viewer/package.json',
  'packages/core/src',
  'packages/septum/src/browser.ts',
  'packages/septum/src/datasets',
  'packages/septum/src/formats',
  'packages/septum/src/inference',
  'examples/lidc/images',
  'package-lock.json',
]

/** packages/viewer/dist, built again when its sources changed. @type {import('./steps.mjs').Step} */
export const viewer = {
  name: 'viewer',

  async missing({ root }) {
    const stamp = join(root, 'packages/viewer/dist/.built-from')
    const built = existsSync(stamp) && readFileSync(stamp, 'utf8')
    return built === fingerprint(root) ? undefined : { text: 'a build of the page' }
  },

  async install({ root }, _missing, note) {
    note('packages/viewer/build.mjs')
    // Taken first: what changes meanwhile is built next time.
    const from = fingerprint(root)
    const { code, log } = await run(process.execPath, [join(root, 'packages/viewer/build.mjs')], {
      cwd: root,
    })
    if (code !== 0) throw new SetupError('The page could not be built (why is above).', { log })
    writeFileSync(join(root, 'packages/viewer/dist/.built-from'), from)
  },
}

/** @param {string} root @returns {string} */
function fingerprint(root) {
  const hash = createHash('sha256')
  for (const source of sources) {
    for (const file of filesOf(root, source)) hash.update(`${file}\n`).update(readFileSync(join(root, file)))
  }
  for (const file of filesOf(root, 'models')) {
    const { size, mtimeMs } = statSync(join(root, file))
    hash.update(`${file} ${size} ${mtimeMs}\n`)
  }
  return hash.digest('hex')
}

/** Files below a path, in order; tests and their fixtures are no part of the page. */
function filesOf(root, path) {
  if (!existsSync(join(root, path))) return []
  if (!statSync(join(root, path)).isDirectory()) return /\.test\.ts$/.test(path) ? [] : [path]
  return readdirSync(join(root, path))
    .filter((name) => name !== 'fixtures')
    .sort()
    .flatMap((name) => filesOf(root, `${path}/${name}`))
}
