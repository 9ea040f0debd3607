import { createReadStream } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'
import { Readable } from 'node:stream'
import type { Context } from 'hono'

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.wasm': 'application/wasm',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
  '.gz': 'application/gzip',
  '.dcm': 'application/dicom',
}

/** What a file is served as; nothing that a browser would run unless it belongs to the page. */
export const typeOfFile = (file: string): string =>
  types[extname(file).toLowerCase()] ?? 'application/octet-stream'

/** Streams a file. @returns undefined where there is no such regular file. */
export async function sendFile(
  c: Context,
  file: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response | undefined> {
  const status = await stat(file).catch(() => undefined)
  if (!status?.isFile()) return undefined
  c.header('Content-Type', typeOfFile(file))
  c.header('Content-Length', String(status.size))
  for (const [name, value] of Object.entries(headers)) c.header(name, value)
  if (c.req.method === 'HEAD') return c.body(null)
  return c.body(Readable.toWeb(createReadStream(file)) as ReadableStream)
}

/**
 * The file that a relative path names below a folder, links followed.
 * @returns undefined for a path that leaves the folder or names nothing.
 */
export async function fileBelow(folder: string, path: string): Promise<string | undefined> {
  if (path.includes('\0')) return undefined
  const [root, file] = await Promise.all(
    [folder, join(folder, path)].map((each) => realpath(each).catch(() => undefined)),
  )
  return root && file && (file === root || file.startsWith(root + sep)) ? file : undefined
}
