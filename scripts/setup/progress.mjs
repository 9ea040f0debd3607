import { spawn } from 'node:child_process'

/** What stops the set-up: a sentence, what to type, and the tail of a program's output. */
export class SetupError extends Error {
  /** @param {string} message @param {{ type?: string, log?: string }} details */
  constructor(message, { type, log } = {}) {
    super(message)
    this.type = type
    this.log = log
  }
}

const nameWidth = 17
const logLines = 40

/** One line for each step, with its seconds. */
export class Progress {
  /** @param {NodeJS.WriteStream} out */
  constructor(out) {
    this.out = out
    this.name = ''
  }

  /** @param {string} name @param {string} text */
  line(name, text) {
    this.out.write(`${name.padEnd(nameWidth)} ${text}\n`)
  }

  /** Says what the current step is about to do, before it takes its time. @param {string} text */
  note(text) {
    this.line(this.name, `${text} …`)
  }

  /** Runs a step that returns its result in words. @param {string} name @param {() => Promise<string>} work */
  async time(name, work) {
    this.name = name
    const start = performance.now()
    const text = await work()
    this.line(name, `${text}, ${((performance.now() - start) / 1000).toFixed(1)} s`)
  }

  /** @param {SetupError} error */
  fail({ message, type, log }) {
    if (log?.trim()) process.stderr.write(`\n${log.trimEnd().split('\n').slice(-logLines).join('\n')}\n`)
    process.stderr.write(`\n${this.name || 'set-up'}: ${message}\n`)
    if (type) process.stderr.write(`Type:\n  ${type}\n`)
  }
}

/**
 * Runs a program without a shell (so that spaces in paths are harmless) and without standard input.
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<{ code: number, log: string }>} code -1 when it could not be started
 */
export function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    let log = ''
    const collect = (chunk) => {
      log += chunk
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.on('error', (error) => resolve({ code: -1, log: error.message }))
    child.on('close', (code) => resolve({ code: code ?? -1, log }))
  })
}
