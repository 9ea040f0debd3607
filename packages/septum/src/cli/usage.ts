import type { Command, CommanderError } from 'commander'
import type { ErrorReport } from './errors.js'
import { nearest } from './nearest.js'

/** What commander found wrong, in the form of every other error. */
export function usageError(error: CommanderError, command: Command): ErrorReport {
  const [first = ''] = error.message.replace(/^error: /, '').split('\n')
  const message = first.replace(/\.$/, '')
  const path = commandPath(command)
  // A group of commands without one: commander prints its help and throws without a message.
  if (error.code === 'commander.help') {
    const names = command.commands.map((inner) => inner.name()).filter((name) => name !== 'help')
    return {
      code: 'usage-help',
      message: 'No command is named',
      hint: `Type ${path} followed by one of: ${names.join(', ')}.`,
      place: {},
    }
  }
  return {
    code: `usage-${error.code.replace(/^commander\./, '').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    message: message.charAt(0).toUpperCase() + message.slice(1),
    hint: suggestion(message, command) ?? `Type ${path} --help for what it takes.`,
    place: {},
  }
}

/** `septum help trian`: commander would print the main help and not say why. */
export function helpTopicError([first, topic]: readonly string[], program: Command): ErrorReport | undefined {
  if (first !== 'help' || topic === undefined || topic.startsWith('-')) return undefined
  if (topic === 'help' || program.commands.some((command) => command.name() === topic)) return undefined
  const message = `unknown command '${topic}'`
  return {
    code: 'usage-unknown-command',
    message: `U${message.slice(1)}`,
    hint: suggestion(message, program) ?? 'Type septum --help for the commands.',
    place: {},
  }
}

function suggestion(message: string, command: Command): string | undefined {
  const [, kind, word] = /^unknown (option|command) '(.+)'$/.exec(message) ?? []
  if (!kind || !word) return undefined
  const known =
    kind === 'option'
      ? ['--help', ...command.options.map((option) => option.long ?? '')]
      : command.commands.map((inner) => inner.name())
  const typed = word.split('=')[0]!
  const close = nearest(typed, known)
  return close && `Did you mean ${close}?`
}

function commandPath(command: Command): string {
  return command.parent ? `${commandPath(command.parent)} ${command.name()}` : command.name()
}
