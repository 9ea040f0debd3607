import { Command, CommanderError } from 'commander'
import { addCompare } from './commands/compare.js'
import { addData } from './commands/data.js'
import { addEvaluate } from './commands/evaluate.js'
import { addExport } from './commands/export.js'
import { addMethods } from './commands/methods.js'
import { addPredict } from './commands/predict.js'
import { addProfile } from './commands/profile.js'
import { addReport } from './commands/report.js'
import { addServe } from './commands/serve.js'
import { addTrain } from './commands/train.js'
import { addWeights } from './commands/weights.js'
import { type Cli, paintFor } from './context.js'
import { exitCodes } from './errors.js'
import { printError } from './run-command.js'
import { helpTopicError, usageError } from './usage.js'

const EXAMPLE = `
Examples:
  $ septum data check data/lesions
  $ septum train data/lesions --method ar-seg --out runs/lesions
  $ septum evaluate runs/lesions
  $ septum predict runs/lesions scans/ --out masks/ --preview

septum COMMAND --help shows the options of a command.
`

/** Takes the exit code of the command that ran. */
export type Finish = (code: number) => void

/** The command line without its actions' code, which each action imports when it runs. */
export function createProgram(cli: Cli, finish: Finish): Command {
  const paint = paintFor(cli.stdout, cli.env)
  const program = new Command('septum')
    .description('Medical image segmentation: several plausible masks, a consensus and an uncertainty map.')
    .version(cli.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .exitOverride()
    .configureHelp({
      styleTitle: (title) => paint('bold', title),
      subcommandTerm: (command) => command.name(),
    })
    .configureOutput({
      writeOut: (text) => cli.stdout.write(text),
      writeErr: (text) => cli.stderr.write(text),
      // Errors are thrown (exitOverride) and printed in one place.
      outputError: () => {},
      getOutHelpWidth: () => Math.min((cli.stdout.isTTY && cli.stdout.columns) || 100, 110),
      getOutHasColors: () => true,
    })
    .addHelpText('after', EXAMPLE)
  addTrain(program, cli, finish)
  addPredict(program, cli, finish)
  addEvaluate(program, cli, finish)
  addExport(program, cli, finish)
  addServe(program, cli, finish)
  addCompare(program, cli, finish)
  addReport(program, cli, finish)
  addData(program, cli, finish)
  addMethods(program, cli, finish)
  addProfile(program, cli, finish)
  addWeights(program, cli, finish)
  return program
}

/** Runs one command line. @returns its exit code: 0 done, 1 failed, 2 wrong usage, 130 stopped by Ctrl-C. */
export async function run(cli: Cli): Promise<number> {
  let code: number = exitCodes.done
  const program = createProgram(cli, (result) => {
    code = result
  })
  if (!cli.argv.length) {
    program.outputHelp()
    return exitCodes.usage
  }
  const outer = program.commands.find((command) => command.name() === cli.argv[0])
  const named = outer?.commands.find((command) => command.name() === cli.argv[1]) ?? outer
  const json = cli.argv.includes('--json')
  const wrongTopic = helpTopicError(cli.argv, program)
  if (wrongTopic) {
    printError(cli, wrongTopic, { json })
    return exitCodes.usage
  }
  try {
    await program.parseAsync([...cli.argv], { from: 'user' })
    return code
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return exitCodes.done
    printError(cli, usageError(error, named ?? program), { json })
    return exitCodes.usage
  }
}
