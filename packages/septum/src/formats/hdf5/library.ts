import type { File as Hdf5File } from 'h5wasm'

/** What is used of the HDF5 library, compiled to WebAssembly. */
export interface Hdf5Library {
  /** Opens the content of a file, runs `work` on it and closes it, whatever happens. */
  use<T>(content: Uint8Array, work: (file: Hdf5File) => T): T
}

let library: Promise<Hdf5Library> | undefined
let opened = 0

/**
 * Loads the library when the first HDF5 file is read. The build with a file system in memory is taken: links and
 * external storage of a foreign file can then reach no other file of this machine, nor its terminal.
 */
export function hdf5Library(): Promise<Hdf5Library> {
  library ??= load()
  return library
}

async function load(): Promise<Hdf5Library> {
  const { File, ready } = await import('h5wasm')
  const module = await ready
  // Otherwise a failed read prints to the terminal and gives the samples as zeros.
  module.activate_throwing_error_handler()
  const fs = module.FS
  for (const name of fs.readdir('/dev')) {
    if (/^(stdin|stdout|stderr|tty\d*|u?random)$/.test(name)) fs.unlink(`/dev/${name}`)
  }
  return {
    use(content, work) {
      const path = `/septum-${opened++}.h5`
      let file: Hdf5File | undefined
      try {
        // The file system in memory takes the bytes as they are instead of copying them.
        fs.writeFile(path, content, { canOwn: true } as object)
        file = new File(path, 'r')
        return work(file)
      } catch (error) {
        throw shortened(error)
      } finally {
        try {
          file?.close()
        } catch {
          // The first error says more than that a damaged file cannot be closed either.
        }
        fs.unlink(path)
      }
    },
  }
}

/** The library tells a trail of causes; the innermost says what is wrong with the file. */
function shortened(error: unknown): unknown {
  if (!(error instanceof Error) || !error.message.startsWith('HDF5-DIAG')) return error
  const causes = [...error.message.matchAll(/^ *#\d+: .* in \w+\(\): (.+)$/gm)]
  const innermost = causes.at(-1)?.[1]
  return innermost === undefined ? error : new Error(innermost, { cause: error })
}
