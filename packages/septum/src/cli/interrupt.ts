import type { Reporter } from '@septum/core'
import type { Cli } from './context.js'
import { exitCodes } from './errors.js'

export interface Interrupts {
  readonly signal: AbortSignal
  /** 128 plus the number of the signal that came. */
  exitCode(): number
  release(): void
}

/**
 * The first Ctrl-C (or SIGTERM, as schedulers send before a job's end) asks the work to stop in good order and
 * says so; the second ends the process at once.
 */
export function catchInterrupts(
  cli: Cli,
  message: string,
  reporter: Reporter & { stop(): void },
): Interrupts {
  const controller = new AbortController()
  let code: number = exitCodes.interrupted
  const listen = (name: string, exitCode: number) => () => {
    if (controller.signal.aborted) {
      reporter.stop()
      cli.exit(exitCode)
      return
    }
    code = exitCode
    reporter.warn(`${name}: ${message} ${name} again stops at once.`)
    controller.abort()
  }
  const interrupted = listen('Ctrl-C', exitCodes.interrupted)
  const terminated = listen('SIGTERM', exitCodes.terminated)
  cli.signals.on('SIGINT', interrupted)
  cli.signals.on('SIGTERM', terminated)
  return {
    signal: controller.signal,
    exitCode: () => code,
    release() {
      cli.signals.off('SIGINT', interrupted)
      cli.signals.off('SIGTERM', terminated)
    },
  }
}
