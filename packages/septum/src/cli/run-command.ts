import type { Reporter } from '@septum/core'
import { type Cli, type CommonOptions, paintFor } from './context.js'
import {
  type ErrorReport,
  errorText,
  exitCodeFor,
  exitCodes,
  foreseenError,
  unforeseenError,
} from './errors.js'
import { catchInterrupts } from './interrupt.js'
import { JsonReporter } from './reporter/json-reporter.js'
import { PlainReporter } from './reporter/plain-reporter.js'
import { TerminalReporter } from './reporter/terminal-reporter.js'
import { allowsUnicode, isTerminal, type Paint } from './terminal.js'

/** What a command is given to work with. */
export interface Workplace {
  readonly cli: Cli
  readonly reporter: Reporter
  readonly signal: AbortSignal
  readonly paint: Paint
  readonly unicode: boolean
  /** Columns for tables. */
  readonly columns: number
}

/** What a command has to say at its end. */
export interface Outcome {
  /** Fields of the `result` event of `--json`. */
  readonly result: object
  /** Lines for a person. */
  readonly text: readonly string[]
  /** The command to type next. */
  readonly next: string
  /** Stopped by a signal, in good order. */
  readonly interrupted?: boolean
  /** A part could not be done; the rest is the result. */
  readonly failed?: boolean
}

export interface CommandPlan {
  readonly name: string
  readonly options: CommonOptions
  /** What the first Ctrl-C is answered with. */
  readonly onInterrupt: string
  /** What to do after a stop that left something to go on with. */
  readonly afterInterrupt?: string
  /** Where the trace of an unforeseen error goes. */
  readonly traceFolder?: string
  work(place: Workplace): Promise<Outcome>
}

/**
 * Runs a command: progress and messages on stderr, results on stdout (with `--json` everything on stdout, one
 * event a line), errors in one form, signals, exit code.
 */
export async function runCommand(cli: Cli, plan: CommandPlan): Promise<number> {
  const { options } = plan
  const reporter = createReporter(cli, options)
  const interrupts = catchInterrupts(cli, plan.onInterrupt, reporter)
  const paint = paintFor(cli.stdout, cli.env)
  const unicode = allowsUnicode(cli.env)
  const columns = cli.stdout.isTTY ? cli.stdout.columns || 80 : 100
  try {
    const outcome = await plan.work({ cli, reporter, signal: interrupts.signal, paint, unicode, columns })
    reporter.stop()
    if (options.json) writeEvent(cli, 'result', { command: plan.name, ...outcome.result, next: outcome.next })
    else {
      const next = options.quiet ? [] : [`${paint('bold', 'Next:')} ${outcome.next}`]
      cli.stdout.write([...outcome.text, ...next].map((line) => `${line}\n`).join(''))
    }
    if (outcome.interrupted) return interrupts.exitCode()
    return outcome.failed ? exitCodes.failed : exitCodes.done
  } catch (error) {
    reporter.stop()
    if (interrupts.signal.aborted && isAbort(error, interrupts.signal)) {
      reporter.warn(['Stopped before the end.', plan.afterInterrupt].filter(Boolean).join(' '))
      return interrupts.exitCode()
    }
    const known = foreseenError(error)
    const header = `septum ${cli.version}, Node ${process.version}, ${process.platform} ${process.arch}\nseptum ${cli.argv.join(' ')}`
    const report = known ?? unforeseenError(error, plan.traceFolder, header)
    printError(cli, report, options)
    if (options.verbose) {
      const { inspect } = await import('node:util')
      cli.stderr.write(`${inspect(error, { depth: 4 })}\n`)
    }
    return exitCodeFor(report)
  } finally {
    interrupts.release()
  }
}

/** The one error printer. */
export function printError(cli: Cli, report: ErrorReport, options: CommonOptions): void {
  if (options.json) writeEvent(cli, 'error', report)
  else cli.stderr.write(`${errorText(report, paintFor(cli.stderr, cli.env))}\n`)
}

function createReporter(cli: Cli, { json, quiet }: CommonOptions) {
  if (json) return new JsonReporter(cli.stdout, { quiet })
  const { stderr: stream, env } = cli
  if (!isTerminal(stream, env)) return new PlainReporter(stream, { quiet })
  return new TerminalReporter({ stream, unicode: allowsUnicode(env), paint: paintFor(stream, env), quiet })
}

function writeEvent(cli: Cli, event: string, fields: object): void {
  cli.stdout.write(`${JSON.stringify({ event, ...fields })}\n`)
}

const isAbort = (error: unknown, signal: AbortSignal) =>
  error === signal.reason || (error instanceof Error && error.name === 'AbortError')
