import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundle } from '../../datasets/workers/testing.js'
import { encodePng } from '../../formats/index.js'
import { planeBundle } from '../../inference/testing.js'
import { jsonLog } from '../log.js'
import { type RunningServer, type ServeOptions, serve } from '../serve.js'

export interface TestBed {
  readonly lines: string[]
  readonly folder: string
  start(options?: Partial<ServeOptions>): Promise<RunningServer>
  close(): Promise<void>
}

/** Builds the worker once and starts servers on free ports with it. */
export async function testBed(): Promise<TestBed> {
  const built = await bundle(new URL('./test-worker.ts', import.meta.url))
  const folder = mkdtempSync(join(tmpdir(), 'septum-server-test-'))
  process.env.SEPTUM_TEST_MARKER = join(folder, 'died')
  const lines: string[] = []
  const open = new Set<RunningServer>()
  return {
    lines,
    folder,
    async start(options = {}) {
      const server = await serve({
        bundles: [planeBundle],
        port: 0,
        threads: 1,
        log: jsonLog((line) => lines.push(line)),
        version: '1.2.3',
        worker: built.program,
        ...options,
      })
      open.add(server)
      return server
    },
    async close() {
      for (const server of open) await server.close()
      built.remove()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A grey PNG of one value with a command in its first pixel. Windows are 8 x 8. */
export async function picture(
  command = 0,
  size: readonly [number, number] = [8, 8],
  value = 200,
): Promise<Buffer> {
  const data = new Uint8Array(size[0] * size[1]).fill(value)
  if (command) data[0] = command
  return encodePng({ data, shape: [1, ...size] })
}
