import { type Command, InvalidArgumentError } from 'commander'
import type { Cli, CommonOptions } from '../context.js'
import type { Finish } from '../program.js'
import { collect, wholeNumber, withCommonOptions, withExample } from './shared.js'

export interface ProfileOptions extends CommonOptions {
  readonly config?: string
  readonly set?: readonly string[]
  readonly size?: readonly number[]
  readonly channels?: number
  readonly classes?: number
  readonly depth?: number
}

export function addProfile(program: Command, cli: Cli, finish: Finish): void {
  const command = program
    .command('profile')
    .summary('parameters and multiply-adds of a method')
    .description(
      'Lists parameters and multiply-adds of every layer of a method, for one mask of one image. Counted are convolutions and linear layers, as papers do; norms, activations, pools and products of attention are not.',
    )
    .argument('<method>', 'septum methods lists the names')
    .option('--config <file>', 'YAML file of settings')
    .option('--set <path=value>', 'one setting, e.g. options.widths=[16,32,64]; may be repeated', collect)
    .option('--size <HxW>', 'size of the image (default: 352x352)', imageSize)
    .option('--channels <n>', 'channels of the image (default: 3)', wholeNumber(1))
    .option('--classes <n>', 'classes to mark (default: 1)', wholeNumber(1))
    .option('--depth <n>', 'levels of the tree to show; their sums hold all below', wholeNumber(1))
  withExample(
    withCommonOptions(command),
    'septum profile unet --size 256x256',
    'septum profile m2snet --depth 2 --set options.encoder=mobilenet-v2',
  ).action(async (method: string, options: ProfileOptions) => {
    const { profileAction } = await import('../actions/profile.js')
    finish(await profileAction(cli, method, options))
  })
}

/** `352x352`, `352`: [H, W]. */
export function imageSize(text: string): number[] {
  const [, height, width = height] = /^(\d+)(?:[x×,](\d+))?$/i.exec(text.trim()) ?? []
  if (!height || Number(height) === 0 || Number(width) === 0)
    throw new InvalidArgumentError('Height and width are expected, e.g. 352x352.')
  return [Number(height), Number(width)]
}
