import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** Debian's OpenBLAS that shares OpenMP's thread pool with libtorch: what the bridge links where it exists. */
const OPENMP_BLAS = '/usr/lib/x86_64-linux-gnu/openblas-openmp'

/** The BLAS libraries that a process has loaded, e.g. `openblas-openmp/libopenblasp-r0.3.21.so`. */
export function loadedBlas(pid = 'self') {
  try {
    const paths = readFileSync(`/proc/${pid}/maps`, 'utf8').match(/\/\S*blas\S*/g) ?? []
    return [...new Set(paths.map((path) => path.split('/').slice(-2).join('/')))].sort().join(', ') || 'none'
  } catch {
    return 'unknown'
  }
}

/** A program of bench/python in its serve mode: measures a block each time it is asked. */
export class PythonSide {
  #child
  #lines
  #errors = ''
  /** What the program said about itself. */
  facts

  static async start(script, args, { python, threads }) {
    const side = new PythonSide()
    const env = { ...process.env }
    if (existsSync(OPENMP_BLAS)) {
      env.LD_LIBRARY_PATH = [OPENMP_BLAS, env.LD_LIBRARY_PATH].filter(Boolean).join(':')
    }
    const path = fileURLToPath(new URL(`../python/${script}`, import.meta.url))
    const all = [path, ...args.map(String), '--threads', String(threads), '--serve']
    side.#child = spawn(python, all, { env, stdio: ['pipe', 'pipe', 'pipe'] })
    side.#child.on('error', (error) => {
      side.#errors += error.message
    })
    side.#child.stderr.on('data', (data) => {
      side.#errors = (side.#errors + data).slice(-4000)
    })
    side.#child.stdin.on('error', () => {})
    side.#lines = createInterface({ input: side.#child.stdout })[Symbol.asyncIterator]()
    side.facts = await side.#answer()
    return side
  }

  get pid() {
    return this.#child.pid
  }

  async #answer() {
    const { value, done } = await this.#lines.next()
    if (done) throw new Error(`the Python side ended:\n${this.#errors}`)
    const answer = JSON.parse(value)
    if (answer.error) throw new Error(answer.error)
    return answer
  }

  block() {
    this.#child.stdin.write('run\n')
    return this.#answer()
  }

  stop() {
    this.#child.stdin.end('quit\n')
  }
}
