import { EventEmitter } from 'node:events'
import { run } from '../src/cli/program.js'

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs `septum` inside this process, with the real trainer; quicker than a process of its own. */
export async function septumHere(argv: readonly string[]): Promise<Ran> {
  const parts = { stdout: '', stderr: '' }
  const stream = (name: 'stdout' | 'stderr') => ({
    write(text: string): void {
      parts[name] += text
    },
  })
  const code = await run({
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    env: { LANG: 'C.UTF-8' },
    argv,
    version: '0.0.0',
    signals: new EventEmitter(),
    exit: () => {},
    load: {
      training: () => import('../src/training/index.js'),
      evaluation: () => import('../src/evaluation/index.js'),
      exporting: () => import('../src/export/index.js'),
      methods: async () => (await import('../src/methods/index.js')).methods,
    },
  })
  return { code, ...parts }
}
