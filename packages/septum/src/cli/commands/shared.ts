import { type Command, InvalidArgumentError } from 'commander'

/** Adds what every command has. */
export function withCommonOptions(command: Command): Command {
  return command
    .option('--json', 'write events and the result as JSON, one object a line')
    .option('--quiet', 'show only results, warnings and errors')
    .option('--verbose', 'show the full trace of an error')
}

export function withDeviceOptions(command: Command): Command {
  return command
    .option('--device <name>', 'auto, cpu, cuda or cuda:<number>', parseDevice)
    .option('--threads <n>', 'CPU threads; 0: one for each core', wholeNumber(0))
}

export const withExample = (command: Command, ...lines: string[]): Command =>
  command.addHelpText(
    'after',
    `\nExample${lines.length > 1 ? 's' : ''}:\n${lines.map((line) => `  $ ${line}\n`).join('')}`,
  )

export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
    if (!Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`A whole number of at least ${least} is expected.`)
    }
    return value
  }
}

function parseDevice(text: string): string {
  if (!/^(auto|cpu|cuda(:\d+)?)$/.test(text)) {
    throw new InvalidArgumentError('Expected is auto, cpu, cuda or cuda:<number>.')
  }
  return text
}

/** For options that may be given several times. */
export const collect = (text: string, earlier: readonly string[] = []): string[] => [...earlier, text]

/** A number from 0 up to, but without, 1. */
export function share(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= 0 && value < 1)) {
    throw new InvalidArgumentError('A share of at least 0 and below 1 is expected, e.g. 0.15.')
  }
  return value
}

/** A distance in millimetres, or `native`. */
export function spacingOption(text: string): number | 'native' {
  if (text === 'native') return text
  const value = Number(text)
  if (text.trim() === '' || !(value > 0 && value <= 100)) {
    throw new InvalidArgumentError('Millimetres above 0 or "native" are expected, e.g. 0.5.')
  }
  return value
}

/** Two numbers in ascending order. */
export function windowOption(text: string): [low: number, high: number] {
  const [low = Number.NaN, high = Number.NaN, ...more] = text
    .split(',')
    .map((part) => Number(part.trim() || 'x'))
  if (more.length > 0 || !(low < high)) {
    throw new InvalidArgumentError('Two numbers in ascending order are expected, e.g. -1000,400.')
  }
  return [low, high]
}
