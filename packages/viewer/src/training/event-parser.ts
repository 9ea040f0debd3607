/** One server-sent event. */
export interface ServerEvent {
  readonly event: string
  readonly data: string
}

/**
 * Server-sent events out of pieces of text, as the HTML standard parses them (section 9.2.6). The browser's own
 * `EventSource` can neither be stopped at the end of a run nor told where to go on.
 */
export class EventParser {
  /** What `Last-Event-ID` should say next time. */
  lastId = ''
  #rest = ''
  #event = ''
  #data: string[] = []

  push(text: string): ServerEvent[] {
    const found: ServerEvent[] = []
    const lines = `${this.#rest}${text}`.split(/\r\n|\n|\r(?!$)/)
    this.#rest = lines.pop()!
    for (const line of lines) {
      if (line === '') {
        if (this.#data.length > 0)
          found.push({ event: this.#event || 'message', data: this.#data.join('\n') })
        this.#event = ''
        this.#data = []
        continue
      }
      // A line that begins with a colon is a comment: a sign of life.
      const colon = line.indexOf(':')
      if (colon === 0) continue
      const field = colon < 0 ? line : line.slice(0, colon)
      const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
      if (field === 'event') this.#event = value
      else if (field === 'data') this.#data.push(value)
      else if (field === 'id' && !value.includes('\0')) this.lastId = value
    }
    return found
  }
}
