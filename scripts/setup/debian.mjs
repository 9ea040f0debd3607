import { accessSync, constants, existsSync, readdirSync, realpathSync, statSync } from 'node:fs'
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
    // A wheel or a download brings its own BLAS; Debian's libtorch takes the one that the system has chosen.
    const blas = !found || found.system ? chosenBlas() : 'own'
    if (blas === 'none' || (blas === 'reference' && !hasOpenBlas())) packages.push('libopenblas0-pthread')
    const switchBlas = blas === 'reference' && hasOpenBlas()
    if (packages.length === 0 && !switchBlas) return undefined
    const text = [
      packages.join(' '),
      switchBlas && 'libblas.so.3 is the reference BLAS, 60 times slower',
    ].filter(Boolean)
    return { text: text.join('; '), packages, switchBlas }
  },

  async install(context, { packages, switchBlas }, note) {
    if (!existsSync('/usr/bin/dpkg-query')) throw notDebian(packages)
    const asRoot = await rootPrefix()
    if (!asRoot) throw notAllowed(packages, switchBlas)
    if (packages.length > 0) {
      note(`installing ${packages.join(' ')} with apt-get, a minute or two`)
      await aptInstall(asRoot, packages)
    }
    // A package that arrives does not displace a BLAS that was once chosen by hand.
    const afterwards = await this.missing(context)
    if (afterwards?.switchBlas) {
      note('choosing OpenBLAS in place of the reference BLAS, which is 60 times slower')
      for (const command of useOpenBlas()) await must(asRoot, command)
    }
    const still = await this.missing(context)
    if (still) throw new SetupError(`After the installation this is still missing: ${still.text}.`)
  },
}

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

/** Debian keeps every BLAS in a folder of its own and lets libblas.so.3 point to one; blas/ is Netlib's. */
function chosenBlas() {
  const link = join(libraries, 'libblas.so.3')
  if (!existsSync(link)) return 'none'
  return realpathSync(link).startsWith(join(libraries, 'blas/')) ? 'reference' : 'real'
}

function openBlasFolder() {
  if (!existsSync(libraries)) return undefined
  const folders = readdirSync(libraries).filter((name) => name.startsWith('openblas-'))
  return folders.map((name) => join(libraries, name)).find((path) => existsSync(join(path, 'libblas.so.3')))
}

const hasOpenBlas = () => openBlasFolder() !== undefined

function useOpenBlas() {
  return ['libblas.so.3', 'liblapack.so.3'].map((name) => [
    'update-alternatives',
    '--set',
    `${name}-${debianTriplet}`,
    join(openBlasFolder(), name),
  ])
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
    type: byHand(packages, []),
    log,
  })
}

async function must(asRoot, command) {
  const { code, log } = await runAsRoot(asRoot, command)
  if (code !== 0) throw new SetupError(`"${command.join(' ')}" failed.`, { log })
}

function runAsRoot(prefix, command) {
  const [program, ...rest] = [...prefix, 'DEBIAN_FRONTEND=noninteractive', ...command]
  return run(program, rest)
}

/** The same as one line for a person to type. */
function byHand(packages, commands) {
  const apt = packages.length > 0 ? [['apt-get', 'update'], aptCommand(packages)] : []
  return [...apt, ...commands].map((command) => `sudo ${command.join(' ')}`).join(' && ')
}

function notAllowed(packages, switchBlas) {
  const type = `${byHand(packages, switchBlas ? useOpenBlas() : [])} && npm run setup`
  return new SetupError(
    'The system lacks packages, and this user may not install them (not root, and sudo asks for a password).',
    { type },
  )
}

function notDebian(packages) {
  return new SetupError(
    `This is not a Debian system. Missing, under Debian's names: ${packages.join(' ')}. Install them your system's ` +
      'way; libtorch is at https://pytorch.org/get-started/locally (LibTorch, C++), or comes with a Python torch.',
    { type: 'LIBTORCH=/path/to/libtorch npm run setup' },
  )
}
