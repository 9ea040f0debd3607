import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'

// OpenMP and the BLAS read their environment when they are loaded, so this module is imported before libtorch.

const OPTIONS = {
  threads: { type: 'string', help: 'threads of both sides' },
  rounds: { type: 'string', help: 'times that both sides take turns' },
  steps: { type: 'string', help: 'measured steps of a side in a round' },
  warmup: { type: 'string', default: '3', help: 'steps before the first round, not counted' },
  python: {
    type: 'string',
    default: existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3',
    help: 'a Python with PyTorch',
  },
  out: { type: 'string', help: 'where the JSON goes; default bench/results/<name>.json; none: nowhere' },
  help: { type: 'boolean', default: false, help: 'this text' },
}

/**
 * Command line of a benchmark; sets the threads of this process and of its children.
 * @param defaults threads, rounds, steps, as numbers @param more further options of `parseArgs`, each with `help`
 */
export function readOptions(title, defaults, more = {}) {
  const options = { ...OPTIONS, ...more }
  for (const [name, value] of Object.entries(defaults))
    options[name] = { ...options[name], default: String(value) }
  const { values } = parseArgs({ options })
  if (values.help) {
    const rows = Object.entries(options).map(
      ([name, o]) => `  --${name.padEnd(10)} ${o.help}${o.default ? ` [${o.default}]` : ''}`,
    )
    console.log(`${title}\n\n${rows.join('\n')}`)
    process.exit(0)
  }
  const result = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      /^\d+$/.test(String(value)) ? Number(value) : value,
    ]),
  )
  for (const name of ['OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'])
    process.env[name] = String(result.threads)
  return result
}
