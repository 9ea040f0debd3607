import { join } from 'node:path'
import { run, SetupError } from './progress.mjs'

/** dist/ of every package, built incrementally. @type {import('./steps.mjs').Step} */
export const typescript = {
  name: 'TypeScript',

  async missing({ root }) {
    const { code, log } = await tsc(root, '--dry')
    return code === 0 && !/would build|would update/i.test(log)
      ? undefined
      : { text: 'a build of the sources' }
  },

  async install({ root }, _missing, note) {
    note('tsc -b')
    const { code, log } = await tsc(root)
    if (code !== 0) throw new SetupError('The TypeScript build found errors (they are above).', { log })
  },
}

const tsc = (root, ...args) =>
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b', ...args], { cwd: root })
