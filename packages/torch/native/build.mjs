// Builds packages/torch/build/septum_torch.node, unless it is there and nothing that it is made of changed.
//   node packages/torch/native/build.mjs [--force]
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findLibtorch } from './find-libtorch.mjs'
import { withLock } from './lock.mjs'

const native = dirname(fileURLToPath(import.meta.url))
const build = join(native, '../build')
const output = join(build, 'septum_torch.node')
const stampFile = join(build, 'stamp.json')

/** What went wrong, in words for a person; `log` is the compiler's text. */
export class BuildError extends Error {
  constructor(message, log = '') {
    super(message)
    this.log = log
  }
}

/**
 * @param {object} [options]
 * @param {boolean} [options.force] build although nothing changed
 * @param {(line: string) => void} [options.say] gets progress lines
 * @param {import('./find-libtorch.mjs').Libtorch} [options.libtorch] build against this one
 * @returns {Promise<{ built: boolean, libtorch: import('./find-libtorch.mjs').Libtorch }>}
 * @throws {BuildError}
 */
export async function buildNative({ force = false, say = () => {}, libtorch = requireLibtorch() } = {}) {
  if (!force && isBuilt(libtorch)) return { built: false, libtorch }
  return withLock(
    join(build, 'native.lock'),
    async () => {
      const stamp = stampOf(libtorch)
      if (!force && isFresh(stamp)) return { built: false, libtorch }
      say(`compiling for ${describeLibtorch(libtorch)} with ${stamp.compiler}, about a minute`)
      await compile(libtorch, stamp)
      return { built: true, libtorch }
    },
    (pid) => say(`process ${pid} is building already: waiting for it`),
  )
}

/** True when the next `buildNative` has nothing to do. @throws {BuildError} */
export function isBuilt(libtorch = requireLibtorch()) {
  return isFresh(stampOf(libtorch))
}

/** One phrase: version, origin, folder, CUDA. */
export function describeLibtorch({ version, from, lib, cuda }) {
  return `libtorch ${version}${cuda ? ' with CUDA' : ''} (${from}, ${lib})`
}

function requireLibtorch() {
  const { found, problem } = findLibtorch()
  if (found) return found
  throw new BuildError(
    problem ?? 'No libtorch was found. Type: npm run setup  (or set LIBTORCH to a folder that has one)',
  )
}

function stampOf(libtorch) {
  const cxx = process.env.CXX || 'c++'
  const compiler = spawnSync(cxx, ['-dumpfullversion', '-dumpmachine'], { encoding: 'utf8' })
  if (compiler.status !== 0)
    throw new BuildError(`No C++ compiler: "${cxx}" cannot be run. Type: npm run setup`)
  const sources = createHash('sha256')
  for (const name of readdirSync(native).sort()) {
    if (!/\.(cpp|hpp|h|inl|txt|mjs)$/.test(name)) continue
    sources.update(`${name}\0`).update(readFileSync(join(native, name)))
  }
  const { version, identity, include, cudaInclude, cxx11Abi, cxxStandard, blas } = libtorch
  return {
    sources: sources.digest('hex'),
    libtorch: { version, identity, include, cudaInclude, cxx11Abi, cxxStandard, blas },
    compiler: `${cxx} ${compiler.stdout.trim().split(/\s+/).join(' ')}`,
    flags: [process.env.CXXFLAGS ?? '', process.env.LDFLAGS ?? ''],
    native,
  }
}

function isFresh(stamp) {
  return (
    existsSync(output) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === JSON.stringify(stamp)
  )
}

async function compile(libtorch, stamp) {
  const work = join(build, 'cmake')
  const headers = createRequire(import.meta.url).resolve('node-api-headers/package.json')
  const options = {
    CMAKE_CXX_STANDARD: libtorch.cxxStandard,
    NODE_API: join(dirname(headers), 'include'),
    TORCH_INCLUDE: [...libtorch.include, ...libtorch.cudaInclude].join(';'),
    TORCH_LIBS: libtorch.libraries.join(';'),
    TORCH_RPATH: libtorch.system ? '' : libtorch.lib,
    TORCH_BLAS: libtorch.blas,
    TORCH_CXX11_ABI: libtorch.cxx11Abi,
    TORCH_CUDA: libtorch.cudaInclude.length > 0 ? 1 : 0,
  }
  mkdirSync(work, { recursive: true })
  rmSync(stampFile, { force: true })
  forgetOtherConfiguration(work, JSON.stringify([stamp.libtorch, stamp.compiler, stamp.flags, stamp.native]))
  const definitions = Object.entries(options).map(([name, value]) => `-D${name}=${value}`)
  await run('cmake', ['-S', native, '-B', work, '-G', 'Unix Makefiles', ...definitions])
  await run('cmake', ['--build', work, '--parallel', String(jobs())])
  // A running process may have the old file mapped: it keeps that one, the name gets the new one.
  copyFileSync(join(work, 'septum_torch.node'), `${output}.new`)
  renameSync(`${output}.new`, output)
  writeFileSync(stampFile, JSON.stringify(stamp))
}

/** A compiler that reads libtorch's headers takes about 1.5 GB. */
function jobs() {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(totalmem() / 1.5e9)))
}

/** CMake keeps object files by time stamps alone: another libtorch or compiler must start from nothing. */
function forgetOtherConfiguration(work, configuration) {
  const file = join(work, 'configuration.json')
  if (existsSync(file) && readFileSync(file, 'utf8') === configuration) return
  rmSync(work, { recursive: true, force: true })
  mkdirSync(work, { recursive: true })
  writeFileSync(file, configuration)
}

function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let log = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (log += chunk))
    child.on('error', () => reject(new BuildError(`"${command}" cannot be run. Type: npm run setup`)))
    child.on('close', (code) => {
      if (code === 0) resolve()
      else reject(new BuildError(`The native build failed (${command} ended with ${code}).`, log))
    })
  })
}

if (process.argv[1] && fileURLToPath(import.meta.url) === realpathSync(process.argv[1])) {
  const start = performance.now()
  try {
    const { built, libtorch } = await buildNative({
      force: process.argv.includes('--force'),
      say: console.log,
    })
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    console.log(
      built ? `built in ${seconds} s` : `up to date with ${describeLibtorch(libtorch)}, ${seconds} s`,
    )
  } catch (error) {
    if (!(error instanceof BuildError)) throw error
    console.error(error.log ? `${error.log.trimEnd()}\n\n${error.message}` : error.message)
    process.exitCode = 1
  }
}
