import { accessSync, constants, existsSync, realpathSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { debianTriplet, findLibtorch } from '../../packages/torch/native/find-libtorch.mjs'
import { run, SetupError } from './progress.mjs'

const tools = { 'c++': 'g++', cmake: 'cmake', make: 'make' }
const libraries = `/usr/lib/${debianTriplet}`

/** Compiler, cmake, libtorch and a real BLAS. @type {import('./steps.mjs').Step} */
export const debianPackages = {
  name: 'Debian packages',
  neededByTheRest: true,

  async missing(context) {
    const { found, problem } = findLibtorch()
    if (problem) throw new SetupError(`${problem}.`)
    context.libtorch = found
    const packages = []
    for (const [command, name] of Object.entries(tools)) {
      if (command === 'c++' && process.env.CXX) continue
      if (!isOnPath(command)) packages.push(name)
    }
    if (!found) packages.push('libtorch-dev')
    // A wheel or a download brings its own BLAS; Debian's libtorch gets this one, whatever the system has chosen.
    const needsBlas = !found || (found.system && !found.blas)
    if (needsBlas) packages.push('libopenblas0-openmp')
    if (packages.length === 0) return undefined
    const required = packages.length > 1 || !needsBlas || !hasRealBlas()
    return { text: packages.join(' '), packages, required }
  },

  async install(context, { packages, required }, note) {
    if (!existsSync('/usr/bin/dpkg-query')) {
      if (!required) return note(slow)
      throw notDebian(packages)
    }
    const asRoot = await rootPrefix()
    if (!asRoot) {
      if (!required) return note(`${slow}. To have it: ${byHand(packages)}`)
      throw notAllowed(packages)
    }
    note(`installing ${packages.join(' ')} with apt-get, a minute or two`)
    await aptInstall(asRoot, packages)
    const still = await this.missing(context)
    if (still) throw new SetupError(`After the installation this is still missing: ${still.text}.`)
  },
}

const slow = 'going on without libopenblas0-openmp: training on several threads takes up to twice as long'

function isOnPath(command) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK)
      return statSync(join(folder, command)).isFile()
    } catch {
      return false
    }
  })
}

/**
 * Whether libtorch would at least find a BLAS that is not Netlib's, which is 60 times slower. Debian keeps
 * every BLAS in a folder of its own (Netlib's in blas/) and lets libblas.so.3 point to one.
 */
function hasRealBlas() {
  const link = join(libraries, 'libblas.so.3')
  return existsSync(link) && !realpathSync(link).startsWith(join(libraries, 'blas/'))
}

/** What to put before a command: nothing for root, sudo where it asks no password; undefined: not allowed. */
async function rootPrefix() {
  if (process.getuid() === 0) return ['env']
  const sudo = await run('sudo', ['-n', 'true'])
  return sudo.code === 0 ? ['sudo', '-n', 'env'] : undefined
}

const aptCommand = (packages) => ['apt-get', 'install', '-y', '--no-install-recommends', ...packages]

async function aptInstall(asRoot, packages) {
  const wait = ['-o', 'DPkg::Lock::Timeout=300']
  const install = [...aptCommand(packages), ...wait]
  // The lists of a fresh machine are empty, those of an old one name files that are gone.
  const first = await runAsRoot(asRoot, install)
  if (first.code === 0) return
  const update = await runAsRoot(asRoot, ['apt-get', 'update', ...wait])
  const second = await runAsRoot(asRoot, install)
  if (second.code === 0) return
  const log = update.code === 0 ? second.log : `${update.log}\n${second.log}`
  throw new SetupError('apt-get could not install the packages (its last words are above).', {
    type: byHand(packages),
    log,
  })
}

function runAsRoot(prefix, command) {
  const [program, ...rest] = [...prefix, 'DEBIAN_FRONTEND=noninteractive', ...command]
  return run(program, rest)
}

/** The same as one line for a person to type. */
function byHand(packages) {
  return [['apt-get', 'update'], aptCommand(packages)]
    .map((command) => `sudo ${command.join(' ')}`)
    .join(' && ')
}

function notAllowed(packages) {
  return new SetupError(
    'The system lacks packages, and this user may not install them (not root, and sudo asks for a password).',
    { type: `${byHand(packages)} && npm run setup` },
  )
}

function notDebian(packages) {
  return new SetupError(
    `This is not a Debian system. Missing, under Debian's names: ${packages.join(' ')}. Install them your system's ` +
      'way; libtorch is at https://pytorch.org/get-started/locally (LibTorch, C++), or comes with a Python torch.',
    { type: 'LIBTORCH=/path/to/libtorch npm run setup' },
  )
}
