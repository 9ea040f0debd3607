import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withLock } from '../../packages/torch/native/lock.mjs'
import { Progress, SetupError } from './progress.mjs'
import { steps } from './steps.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))

const usage = `usage: node scripts/setup.mjs [--check]

Installs what is missing, in this order: Debian packages (libtorch, OpenBLAS, compiler, cmake), npm packages,
the native bridge, TypeScript, the viewer's page. It is safe to run again: what is there and unchanged stays.

  --check   only say what is missing; exit code 1 when something is
  --help    this text

LIBTORCH=<folder> builds against that libtorch (a libtorch download or the folder of a Python torch).`

/** @param {string[]} args @returns {Promise<0|1|2>} exit code */
export async function main(args) {
  if (args.includes('--help')) {
    console.log(usage)
    return 0
  }
  const unknown = args.find((arg) => arg !== '--check')
  if (unknown !== undefined) {
    console.error(`Unknown argument: ${unknown}\n\n${usage}`)
    return 2
  }
  const progress = new Progress(process.stdout)
  try {
    if (args.includes('--check')) return await check(progress)
    await withLock(
      join(root, 'packages/torch/build/setup.lock'),
      () => install(progress),
      (pid) => progress.line('set-up', `process ${pid} is at it already: waiting for it`),
    )
    return 0
  } catch (error) {
    progress.fail(inWords(error))
    return 1
  }
}

/** Another user's clone, a read-only or a full disk are told in a sentence too; the rest is a defect. */
function inWords(error) {
  if (error instanceof SetupError) return error
  if (!['EACCES', 'EPERM', 'EROFS', 'ENOSPC'].includes(error.code)) throw error
  return new SetupError(`${error.path ?? root} cannot be written (${error.code}).`)
}

async function install(progress) {
  const context = { root }
  for (const step of steps) {
    await progress.time(step.name, async () => {
      const missing = await step.missing(context)
      if (missing) await step.install(context, missing, (text) => progress.note(text))
      return (await step.describe?.(context)) ?? (missing ? 'done' : 'up to date')
    })
  }
}

async function check(progress) {
  const context = { root }
  let complete = true
  for (const step of steps) {
    const missing = await step.missing(context)
    progress.line(step.name, missing ? `missing: ${missing.text}` : 'up to date')
    if (!missing) continue
    complete = false
    if (step.neededByTheRest) break
  }
  return complete ? 0 : 1
}
