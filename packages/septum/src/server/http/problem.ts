import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'

/** A refusal with its HTTP status; the body of the answer is `{ error: { code, message, hint } }`. */
export class HttpProblem extends Error {
  constructor(
    readonly status: ContentfulStatusCode,
    readonly code: string,
    message: string,
    readonly hint: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message)
  }
}

export function problemResponse(c: Context, { status, code, message, hint, headers }: HttpProblem): Response {
  return c.json({ error: { code, message, hint } }, status, { ...headers })
}

export const notFound = (what: string): HttpProblem =>
  new HttpProblem(404, 'server-not-found', `There is no such ${what}`, 'See GET /openapi.json.')
