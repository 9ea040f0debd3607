import { parentPort, workerData } from 'node:worker_threads'
import { hdf5Library } from './library.js'
import { guardMemory } from './memory-guard.js'
import {
  EXPECTED_MB,
  FINISHED,
  type Hdf5Board,
  type Hdf5Job,
  type Hdf5Reply,
  plainError,
} from './messages.js'
import { runHdf5Task } from './task.js'

/** What the library needs besides the array: its caches, and blocks of metadata. */
const BASE_BYTES = 2 ** 26
/** A memory that has grown beyond this is given back with the thread. */
const MOST_KEPT = 2 ** 27
/** Failed reads leave things behind in the library; after so many it is loaded anew. */
const MOST_FAILURES = 100

const board = workerData as Hdf5Board
const port = parentPort!
const guard = guardMemory()
let failures = 0

function answer(reply: Hdf5Reply, id: number, transfer: ArrayBuffer[] = []): void {
  port.postMessage(reply, transfer)
  Atomics.store(board, FINISHED, id)
}

async function work({ id, bytes, file, limits, task }: Hdf5Job): Promise<void> {
  const fileSize = bytes.length
  const library = await hdf5Library()
  guard.most = BASE_BYTES + fileSize
  Atomics.store(board, EXPECTED_MB, 0)
  const onExpected = (expected: number) => {
    Atomics.store(board, EXPECTED_MB, Math.ceil(expected / 2 ** 20))
    // The array, a block of it and that block unpacked.
    guard.most = BASE_BYTES + fileSize + 3 * expected
  }
  try {
    const place = { file, fileSize, limits, onExpected }
    const result = library.use(bytes, (hdf5) => runHdf5Task(hdf5, task, place))
    const data = !Array.isArray(result) && 'data' in result ? [result.data.buffer as ArrayBuffer] : []
    answer({ kind: 'result', id, result }, id, data)
  } catch (error) {
    failures++
    const trap = error instanceof Error && error.name === 'RuntimeError'
    const worn = trap || failures >= MOST_FAILURES || guard.used > MOST_KEPT
    answer({ kind: 'error', id, error: plainError(error), worn }, id)
  }
}

port.on('message', (job: Hdf5Job) => void work(job))
await hdf5Library()
port.postMessage({ kind: 'ready' } satisfies Hdf5Reply)
