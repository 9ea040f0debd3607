// Finds a libtorch to build against. No dependencies: it also runs before `npm ci`.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'

/**
 * @typedef {object} Libtorch
 * @property {string} from where it was found, in words for a person
 * @property {string} version e.g. "1.13.1"
 * @property {string[]} include folders with headers
 * @property {string} lib folder with the shared libraries
 * @property {string[]} libraries full paths to link
 * @property {boolean} system the loader finds `lib` without being told
 * @property {string} blas folder of the BLAS to load instead of the one that the system has chosen, or ''
 * @property {0|1} cxx11Abi the std::string it was compiled with
 * @property {number} cxxStandard 17 or what its headers ask for
 * @property {string[]} cudaInclude folders with cuda_runtime_api.h; empty: none, or no CUDA in libtorch
 * @property {boolean} cuda
 * @property {object} identity changes when another libtorch takes its place
 */

const oldest = [1, 13]

/** Debian's name of this architecture in the paths of libraries. */
export const debianTriplet =
  { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }[process.arch] ?? `${process.arch}-linux-gnu`

/**
 * In this order: the folder in LIBTORCH, the `torch` of the Python environment, Debian's libtorch-dev.
 * @param {NodeJS.ProcessEnv} env
 * @returns {{ found?: Libtorch, problem?: string }} `problem` when LIBTORCH names a folder that is none, or
 *   the only libtorch is too old; both empty when there is none.
 */
export function findLibtorch(env = process.env) {
  if (env.LIBTORCH) {
    const found = inFolder(env.LIBTORCH, 'LIBTORCH')
    if (!found) {
      return {
        problem: `LIBTORCH is ${env.LIBTORCH}, but there is no lib/libtorch.so with include/torch in it`,
      }
    }
    return checked(found)
  }
  for (const folder of pythonTorches(env)) {
    const found = inFolder(folder, 'the Python package torch')
    if (found && isAtLeast(found.version, oldest)) return checked(found)
  }
  const found = ofDebian()
  return found ? checked(found) : {}
}

function checked(found) {
  if (isAtLeast(found.version, oldest)) return { found }
  return {
    problem: `libtorch ${found.version} (${found.lib}) is too old: Septum needs ${oldest.join('.')} or newer`,
  }
}

const isAtLeast = (version, [major, minor]) => {
  const [a = 0, b = 0] = version.split('.').map(Number)
  return a > major || (a === major && b >= minor)
}

/** Folders that may be a wheel's `torch`; the shell's environment first, then the python3 of PATH. */
function* pythonTorches(env) {
  for (const prefix of [env.VIRTUAL_ENV, env.CONDA_PREFIX]) {
    if (!prefix || !existsSync(join(prefix, 'lib'))) continue
    const pythons = readdirSync(join(prefix, 'lib')).filter((name) => /^python3\.\d+$/.test(name))
    for (const python of pythons) yield join(prefix, 'lib', python, 'site-packages', 'torch')
  }
  // find_spec says where the package lies without importing it (an import takes seconds).
  const script =
    'import importlib.util as u\ns = u.find_spec("torch")\nprint(*(s.submodule_search_locations or []) if s else [], sep="\\n")'
  const python = spawnSync('python3', ['-c', script], { env, encoding: 'utf8', timeout: 20_000 })
  if (python.status === 0) yield* python.stdout.split('\n').filter(Boolean)
}

/** A libtorch download or a wheel's `torch`: lib/, include/. Debian's python3-torch has neither. */
function inFolder(folder, from) {
  const lib = join(folder, 'lib')
  const include = [join(folder, 'include'), join(folder, 'include/torch/csrc/api/include')]
  return describe({ from, lib, include, system: false, home: folder })
}

function ofDebian() {
  const include = ['/usr/include/torch/csrc/api/include']
  return describe({
    from: "Debian's libtorch-dev",
    lib: `/usr/lib/${debianTriplet}`,
    include,
    system: true,
    home: '/usr',
  })
}

function describe({ from, lib, include, system, home }) {
  const api = include.at(-1)
  const main = join(lib, 'libtorch.so')
  if (!existsSync(main) || !existsSync(join(lib, 'libc10.so')) || !existsSync(join(api, 'torch/all.h')))
    return undefined
  const folder = realpathSync(lib)
  // torch_cpu and torch_cuda first: libtorch.so itself is an empty shell that depends on them.
  const names = ['torch_cpu', 'torch_cuda', 'c10_cuda', 'c10', 'torch']
  const libraries = names.map((name) => join(folder, `lib${name}.so`)).filter((path) => existsSync(path))
  const hasCuda = existsSync(join(folder, 'libtorch_cuda.so'))
  const cudaInclude = hasCuda ? cudaHeaders(home) : []
  return {
    from,
    version: readVersion(api, home),
    include: include.map((path) => realpathSync(path)),
    lib: folder,
    libraries,
    system,
    cxx11Abi: readAbi(join(folder, 'libc10.so')),
    cxxStandard: readStandard(api),
    cudaInclude,
    cuda: hasCuda,
    blas: system ? openBlasForOpenMp() : '',
    identity: libraries.map((path) => {
      const { size, mtimeMs } = statSync(path)
      return [realpathSync(path), size, Math.floor(mtimeMs)]
    }),
  }
}

/**
 * Debian's libtorch computes on OpenMP threads, and its libblas.so.3 usually is the OpenBLAS with threads of
 * its own. The two pools spin while they wait and take the processors from each other: training takes twice
 * as long. The OpenBLAS for OpenMP shares libtorch's pool.
 */
function openBlasForOpenMp() {
  const folder = `/usr/lib/${debianTriplet}/openblas-openmp`
  return ['libblas.so.3', 'liblapack.so.3'].every((name) => existsSync(join(folder, name))) ? folder : ''
}

function readVersion(api, home) {
  // Since 2.9 the first file only includes the second.
  for (const header of [join(api, 'torch/version.h'), join(api, '../../../headeronly/version.h')]) {
    const text = existsSync(header) ? readFileSync(header, 'utf8') : ''
    const part = (name) => text.match(new RegExp(`TORCH_VERSION_${name}\\s+(\\d+)`))?.[1]
    if (part('MAJOR')) return [part('MAJOR'), part('MINOR'), part('PATCH')].join('.')
  }
  const file = join(home, 'build-version')
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : '0.0'
}

/** libc10's own symbols are the truth: a constructor of c10::Error takes the new or the old std::string. */
function readAbi(libc10) {
  return readFileSync(libc10).includes('_ZN3c105ErrorC2ENS_14SourceLocationESs') ? 0 : 1
}

/** torch/all.h refuses compilers below `__cplusplus < 201402L`, `201703L` or, some day, more. */
function readStandard(api) {
  const wanted = readFileSync(join(api, 'torch/all.h'), 'utf8').match(/__cplusplus\s*<\s*20(\d\d)\d\dL/)?.[1]
  return Math.max(17, Number(wanted ?? 17))
}

/** Beside the wheel (nvidia/cu13, nvidia/cuda_runtime), where CUDA_HOME says, or in the usual place. */
function cudaHeaders(home) {
  const { CUDA_HOME, CUDA_PATH } = process.env
  const places = [
    join(home, '../nvidia/cu13/include'),
    join(home, '../nvidia/cuda_runtime/include'),
    ...[CUDA_HOME, CUDA_PATH, '/usr/local/cuda'].filter(Boolean).map((path) => join(path, 'include')),
  ]
  return places.filter((path) => existsSync(join(path, 'cuda_runtime_api.h'))).slice(0, 1)
}
