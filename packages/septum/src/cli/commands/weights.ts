import { type Command, Option } from 'commander'
import type { Cli, CommonOptions } from '../context.js'
import type { Finish } from '../program.js'
import { withCommonOptions, withExample } from './shared.js'

export interface WeightsImportOptions extends CommonOptions {
  readonly as?: string
}

export function addWeights(program: Command, cli: Cli, finish: Finish): void {
  const weights = program
    .command('weights')
    .summary('published weights of image encoders and of TransUNet')
    .description('Keeps published weights, which training starts from.')
  const take = weights
    .command('import')
    .summary('check published weights and keep them')
    .description(
      'Reads published weights of an image encoder (.pth, .pt or .safetensors) or of TransUNet (R50+ViT-B_16.npz), translates their names, checks every shape, says what did not match, and keeps them. Nothing in the file can run.',
    )
    .argument('<file>', 'the published file')
    .addOption(new Option('--as <encoder>', 'the encoder; recognised by its names and shapes unless given'))
  withExample(withCommonOptions(take), 'septum weights import res2net50_v1b_26w_4s-3cf99910.pth').action(
    async (file: string, options: WeightsImportOptions) => {
      const { weightsImportAction } = await import('../actions/weights.js')
      finish(await weightsImportAction(cli, file, options))
    },
  )
  const list = weights
    .command('list')
    .summary('which encoders have weights')
    .description('Lists the image encoders and the weights that training would start them from.')
  withExample(withCommonOptions(list), 'septum weights list').action(async (options: CommonOptions) => {
    const { weightsListAction } = await import('../actions/weights.js')
    finish(await weightsListAction(cli, options))
  })
}
