import { readFileSync } from 'node:fs'
import type { Cli } from './context.js'
import { run } from './program.js'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

const cli: Cli = {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  argv: process.argv.slice(2),
  version,
  signals: process,
  exit: (code) => process.exit(code),
  load: {
    training: () => import('../training/index.js'),
    evaluation: () => import('../evaluation/index.js'),
    exporting: () => import('../export/index.js'),
    methods: async () => (await import('../methods/index.js')).methods,
  },
}

// `septum methods | head` closes the pipe early: that is no error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
}

process.exitCode = await run(cli)
