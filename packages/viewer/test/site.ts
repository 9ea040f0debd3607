import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const here = fileURLToPath(new URL('.', import.meta.url))
export const fixtures = join(here, 'fixtures')
/** Bundles of planes and of volumes, with what they must give. */
export const inferenceFixtures = join(here, '../../septum/src/inference/fixtures')

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.png': 'image/png',
  '.wasm': 'application/wasm',
}

/** The built page with the two small bundles, on a server of its own that knows nothing but files. */
export interface Site {
  readonly url: string
  readonly folder: string
  /** Paths that were asked for and are not there. */
  readonly missing: readonly string[]
  close(): Promise<void>
}

export async function openSite(): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), 'septum-viewer-'))
  const models = [
    ...['next-scale', 'mask'].map((name) => join(fixtures, name)),
    ...['plane', 'volume'].map((name) => join(inferenceFixtures, name)),
  ].flatMap((place) => ['--model', place])
  await promisify(execFile)(process.execPath, [join(here, '../build.mjs'), '--out', folder, ...models])
  const missing: string[] = []
  const server = createServer(async ({ url }, response) => {
    const path = normalize(decodeURIComponent(new URL(url!, 'http://page').pathname)).replace(
      /\/$/,
      '/index.html',
    )
    try {
      const body = await readFile(join(folder, path))
      // The policy of the page again as a header, because a worker has that of its own response.
      response.writeHead(200, {
        'content-type': types[extname(path)] ?? 'application/octet-stream',
        'content-security-policy':
          "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob: data:",
      })
      response.end(body)
    } catch {
      missing.push(path)
      response.writeHead(404)
      response.end('not here')
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    folder,
    missing,
    async close() {
      await closed(server)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}
