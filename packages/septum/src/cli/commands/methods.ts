import type { Command } from 'commander'
import type { Cli, CommonOptions } from '../context.js'
import type { Finish } from '../program.js'
import { withCommonOptions, withExample } from './shared.js'

export function addMethods(program: Command, cli: Cli, finish: Finish): void {
  const command = program
    .command('methods')
    .summary('list the methods, or the options of one')
    .description('Lists the methods that can be trained; with a name, its options and their defaults.')
    .argument('[name]', 'a method')
  withExample(withCommonOptions(command), 'septum methods ar-seg').action(
    async (name: string | undefined, options: CommonOptions) => {
      const { methodsAction } = await import('../actions/methods.js')
      finish(await methodsAction(cli, name, options))
    },
  )
}
