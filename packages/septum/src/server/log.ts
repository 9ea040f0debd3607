/** Fields of a log line: numbers, codes and identifiers that the server made, never names of files or addresses. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>

/** One JSON object a line. */
export interface Log {
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
}

/** @param write takes one line with its end. */
export function jsonLog(write: (line: string) => void): Log {
  const at =
    (level: string) =>
    (event: string, fields: LogFields = {}) =>
      write(`${JSON.stringify({ time: new Date().toISOString(), level, event, ...fields })}\n`)
  return { info: at('info'), warn: at('warn') }
}

export const silentLog: Log = { info() {}, warn() {} }
