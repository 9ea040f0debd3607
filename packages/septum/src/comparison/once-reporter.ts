import type { Reporter } from '@septum/core'

/**
 * Says each line once: what every training tells of the same data and method need not be read again with each run.
 */
export function onceReporter(reporter: Reporter): Reporter {
  const said = new Set<string>()
  const once = (say: (text: string) => void) => (text: string) => {
    if (said.has(text)) return
    said.add(text)
    say(text)
  }
  return {
    info: once((text) => reporter.info(text)),
    warn: once((text) => reporter.warn(text)),
    progress: (label, total, unit) => reporter.progress(label, total, unit),
  }
}
