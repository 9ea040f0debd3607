import { createHash, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import type { MiddlewareHandler } from 'hono'
import { HttpProblem } from './problem.js'

export interface Access {
  /** Whether the server listens on the loopback interface only. */
  readonly loopback: boolean
  /** Needed for every request but the page's own files and `/health`; absent on loopback unless wished. */
  readonly token?: string
  /** Host names, without port, that requests may name beside localhost and addresses. */
  readonly hosts: readonly string[]
  /** Origins of other pages that may ask. */
  readonly origins: readonly string[]
}

const COOKIE = 'septum-token'

/** Page and its parts: models and images stay behind the token. */
const isOpen = (path: string): boolean => path === '/health' || !/^\/(v1|models|metrics|openapi)/.test(path)

/** Content of the page comes from this server only; WebAssembly may be compiled. */
const contentPolicy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const securityHeaders = {
  'Content-Security-Policy': contentPolicy,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  // With the line above: threads of WebAssembly need a page that no other origin shares.
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Permissions-Policy': 'camera=(), microphone=(), geolocation=()',
} as const

/**
 * Refuses requests that name another host (DNS rebinding), come from another origin's page or lack the token, and sets
 * the security headers of every answer.
 */
export function guard(access: Access): MiddlewareHandler {
  return async (c, next) => {
    for (const [name, value] of Object.entries(securityHeaders)) c.header(name, value)
    checkHost(c.req.header('host'), access)
    const origin = c.req.header('origin')
    const allowed = checkOrigin(origin, c.req.header('host'), c.req.header('sec-fetch-site'), access)
    if (allowed) {
      c.header('Access-Control-Allow-Origin', origin!)
      c.header('Vary', 'Origin')
      c.header('Cross-Origin-Resource-Policy', 'cross-origin')
      if (c.req.method === 'OPTIONS') {
        c.header('Access-Control-Allow-Methods', 'GET, POST, DELETE')
        c.header('Access-Control-Allow-Headers', 'Authorization, Content-Type')
        return c.body(null, 204)
      }
    }
    const { token } = access
    if (token) {
      const given = c.req.query('token')
      if (c.req.method === 'GET' && c.req.path === '/' && given !== undefined) {
        if (!equal(given, token)) throw unauthorised()
        c.header('Set-Cookie', `${COOKIE}=${token}; HttpOnly; SameSite=Strict; Path=/`)
        return c.redirect('/', 303)
      }
      if (!isOpen(c.req.path) && !hasToken(c.req.header('authorization'), c.req.header('cookie'), token)) {
        throw unauthorised()
      }
    }
    return next()
  }
}

function checkHost(header: string | undefined, { loopback, hosts }: Access): void {
  const name = header && /^(\[[\da-f:.]+\]|[\w.-]+)(:\d{1,5})?$/i.exec(header)?.[1]?.toLowerCase()
  const bare = name?.replace(/^\[|\]$/g, '')
  const own = bare === 'localhost' || bare === '127.0.0.1' || bare === '::1'
  // An address cannot be rebound to another by a name server.
  if (bare && (own || (!loopback && isIP(bare) !== 0) || hosts.includes(bare))) return
  throw new HttpProblem(
    421,
    'server-host',
    'The request names a host that this server does not answer for',
    'Use the address that septum serve printed, or start it with --allow-host.',
  )
}

/** @returns whether the page of another, allowed origin asks. */
function checkOrigin(
  origin: string | undefined,
  host: string | undefined,
  site: string | undefined,
  { origins }: Access,
): boolean {
  if (origin === undefined) {
    // A page of another site that loads something as a picture or script sends no origin, but says so here.
    if (site !== 'cross-site') return false
  } else if (origin === `http://${host}` || origin === `https://${host}`) return false
  else if (origins.includes(origin)) return true
  throw new HttpProblem(
    403,
    'server-origin',
    'The request comes from the page of another site',
    'Open the page of this server, or start it with --allow-origin.',
  )
}

function hasToken(authorization: string | undefined, cookies: string | undefined, token: string): boolean {
  const bearer = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1]
  const cookie = cookies
    ?.split(/; */)
    .find((part) => part.startsWith(`${COOKIE}=`))
    ?.slice(COOKIE.length + 1)
  return [bearer, cookie].some((given) => given !== undefined && equal(given, token))
}

/** In a time that tells nothing of where two texts differ. */
function equal(a: string, b: string): boolean {
  const [x, y] = [a, b].map((text) => createHash('sha256').update(text).digest())
  return timingSafeEqual(x!, y!)
}

const unauthorised = (): HttpProblem =>
  new HttpProblem(401, 'server-token', 'The token is missing or wrong', 'Send Authorization: Bearer TOKEN.', {
    'WWW-Authenticate': 'Bearer',
  })
