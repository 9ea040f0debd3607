import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run, SetupError } from './progress.mjs'

/** What package-lock.json asks for, in node_modules. @type {import('./steps.mjs').Step} */
export const npmPackages = {
  name: 'npm packages',
  neededByTheRest: true,

  async missing({ root }) {
    const stamp = stampFile(root)
    const wanted = wantedStamp(root)
    if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return undefined
    if (!isInstalled(root))
      return { text: existsSync(join(root, 'node_modules')) ? 'not what the lock file says' : 'all' }
    writeFileSync(stamp, wanted)
    return undefined
  },

  async install({ root }, _missing, note) {
    note('npm ci')
    // Without --include=dev, NODE_ENV=production would leave out the compiler.
    const { code, log } = await run('npm', ['ci', '--include=dev'], { cwd: root })
    if (code === -1)
      throw new SetupError('npm cannot be run.', { type: 'https://nodejs.org/en/download', log })
    if (code !== 0) throw ciError(log)
    writeFileSync(stampFile(root), wantedStamp(root))
  },
}

/** npm says what is wrong first and prints its manual after it. */
function ciError(log) {
  const lines = log.split('\n').filter((line) => line.startsWith('npm error'))
  const details = { log: lines.slice(0, 15).join('\n') }
  if (log.includes('EUSAGE')) {
    const message = 'package-lock.json does not fit package.json (npm names the difference above).'
    return new SetupError(message, { ...details, type: 'npm install && npm run setup' })
  }
  return new SetupError('npm ci failed (npm says why above).', { ...details, type: 'npm run setup' })
}

const stampFile = (root) => join(root, 'node_modules/.septum-setup.json')

function wantedStamp(root) {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  return JSON.stringify({ lock, platform: process.platform, arch: process.arch })
}

/** Somebody's own `npm install` counts: npm leaves what it installed in node_modules/.package-lock.json. */
function isInstalled(root) {
  const hidden = join(root, 'node_modules/.package-lock.json')
  if (!existsSync(hidden)) return false
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  const present = JSON.parse(readFileSync(hidden, 'utf8')).packages
  const same = (a, b) =>
    a?.version === b?.version && a?.integrity === b?.integrity && a?.resolved === b?.resolved
  const keys = new Set([...Object.keys(wanted), ...Object.keys(present)])
  keys.delete('') // the workspace itself, which only one of the two files lists
  return [...keys].every((key) => same(wanted[key], present[key]) || (!present[key] && wanted[key]?.optional))
}
