import type { Command } from 'commander'
import type { Cli, CommonOptions } from '../context.js'
import type { Finish } from '../program.js'
import { collect, wholeNumber, withCommonOptions, withExample } from './shared.js'

export interface ServeOptions extends CommonOptions {
  readonly host: string
  readonly port: number
  readonly token?: string
  readonly allowHost?: readonly string[]
  readonly allowOrigin?: readonly string[]
  readonly data?: string
  readonly runs?: string
  readonly threads?: number
  readonly queue?: number
  readonly deadline?: number
  readonly uploadMb?: number
  readonly log: boolean
}

export function addServe(program: Command, cli: Cli, finish: Finish): void {
  const command = program
    .command('serve')
    .summary('serve model bundles and the viewer over HTTP')
    .description(
      'Segments images that are uploaded, and serves the viewer. Listens on this machine only unless --host says otherwise.',
    )
    .argument('[bundles...]', 'folders of bundles (septum export), or of runs that hold one')
    .option('--runs <dir>', 'folder of runs whose training the page training.html follows')
    .option('--host <address>', 'address to listen on; other than loopback needs a token', '127.0.0.1')
    .option('--port <n>', 'port; 0: a free one', wholeNumber(0), 8080)
    .option(
      '--token <text>',
      'token that requests must bring (SEPTUM_TOKEN; default: a random one where it is needed)',
    )
    .option('--allow-host <name>', 'host name under which the server is reached; may be repeated', collect)
    .option('--allow-origin <origin>', 'origin of another page that may ask; may be repeated', collect)
    .option('--data <dir>', 'folder of images that requests may name instead of an upload')
    .option('--threads <n>', 'CPU threads; 0: one for each core', wholeNumber(0))
    .option('--queue <n>', 'images that may wait (default: 16)', wholeNumber(0))
    .option(
      '--deadline <s>',
      'seconds from the acceptance of an image to its result (default: 600)',
      wholeNumber(1),
    )
    .option('--upload-mb <n>', 'largest upload in MiB (default: 512)', wholeNumber(1))
    .option('--no-log', 'write no log of requests')
  withExample(
    withCommonOptions(command),
    'septum serve runs/lesions/model',
    'septum serve --runs runs',
    'curl --data-binary @scan.png "http://localhost:8080/v1/segment?result=mask" > mask.png',
  ).action(async (bundles: string[], options: ServeOptions) => {
    const { serveAction } = await import('../actions/serve.js')
    finish(await serveAction(cli, bundles, options))
  })
}
