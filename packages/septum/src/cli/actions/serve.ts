import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SeptumError } from '@septum/core'
import type { ServerLimits } from '../../server/index.js'
import type { ServeOptions } from '../commands/serve.js'
import type { Cli } from '../context.js'
import { runCommand } from '../run-command.js'

/** Runs until it is told to stop. @returns the exit code. */
export function serveAction(cli: Cli, bundles: readonly string[], options: ServeOptions): Promise<number> {
  return runCommand(cli, {
    name: 'serve',
    options,
    onInterrupt: 'the image under way may end, the rest is refused.',
    async work({ reporter, signal }) {
      const { jsonLog, serve, silentLog } = await import('../../server/index.js')
      const { host, port, data, runs, threads, allowHost, allowOrigin, log } = options
      if (bundles.length === 0 && !runs) {
        throw new SeptumError(
          'usage-serve-nothing',
          'Nothing is given to serve',
          'Give folders of bundles (septum export), or --runs with the folder of runs to follow.',
        )
      }
      if (runs && !existsSync(runs)) {
        throw new SeptumError('server-runs', 'The folder of runs does not exist', 'Check the path.', {
          file: runs,
        })
      }
      const token = options.token ?? cli.env.SEPTUM_TOKEN
      const viewer = viewerFolder()
      const begun = performance.now()
      const server = await serve({
        bundles,
        host,
        port,
        version: cli.version,
        limits: limitsOf(options),
        // Not through the reporter: a log is read by machines, line by line.
        log: log && !options.quiet ? jsonLog((line) => cli.stderr.write(line)) : silentLog,
        ...(token && { token }),
        ...(allowHost && { allowHosts: allowHost }),
        ...(allowOrigin && { allowOrigins: allowOrigin }),
        ...(data && { data }),
        ...(runs && { runs }),
        ...(viewer && { viewer }),
        ...(threads && { threads }),
      })
      if (!viewer) {
        reporter.warn('The viewer is not built (npm run setup builds it): only the interface is served.')
      }
      const what = [server.models.join(', '), runs && `trainings of ${runs}`].filter(Boolean).join(' and ')
      reporter.info(`Serving ${what} on ${server.url}`)
      await aborted(signal)
      await server.close()
      const seconds = Math.round((performance.now() - begun) / 1000)
      return {
        result: { seconds, models: server.models },
        text: [
          `Served ${server.models.length === 1 ? '1 model' : `${server.models.length} models`} for ${seconds} s.`,
        ],
        next: ['septum serve', ...bundles, ...(runs ? [`--runs ${runs}`] : [])].join(' '),
      }
    },
  })
}

/** The viewer's built files: of its package, or beside this one in a checkout. */
function viewerFolder(): string | undefined {
  const candidates = [fileURLToPath(new URL('../../../../viewer/dist', import.meta.url))]
  try {
    const found = createRequire(import.meta.url).resolve('@septum/viewer/package.json')
    candidates.unshift(join(dirname(found), 'dist'))
  } catch {
    // Not installed.
  }
  return candidates.find((folder) => existsSync(join(folder, 'index.html')))
}

function limitsOf({ queue, deadline, uploadMb }: ServeOptions): Partial<ServerLimits> {
  return {
    ...(queue !== undefined && { queue }),
    ...(deadline !== undefined && { deadlineMs: deadline * 1000 }),
    ...(uploadMb !== undefined && { uploadBytes: uploadMb * 2 ** 20 }),
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
