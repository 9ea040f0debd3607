import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A program of bench/lib in a Node of its own, with the protocol of `PythonSide`. */
export class NodeSide {
  #child
  #lines
  #errors = ''

  /** @param setup passed as JSON. @param env added to the environment. */
  static async start(script, setup, env) {
    const side = new NodeSide()
    const path = fileURLToPath(new URL(script, import.meta.url))
    side.#child = spawn(process.execPath, [path, JSON.stringify(setup)], {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    side.#child.stderr.on('data', (data) => {
      side.#errors = (side.#errors + data).slice(-4000)
    })
    side.#child.stdin.on('error', () => {})
    side.#lines = createInterface({ input: side.#child.stdout })[Symbol.asyncIterator]()
    await side.#answer()
    return side
  }

  get pid() {
    return this.#child.pid
  }

  async #answer() {
    const { value, done } = await this.#lines.next()
    if (done) throw new Error(`our side ended:\n${this.#errors}`)
    return JSON.parse(value)
  }

  block() {
    this.#child.stdin.write('run\n')
    return this.#answer()
  }

  stop() {
    this.#child.stdin.end('quit\n')
  }
}
