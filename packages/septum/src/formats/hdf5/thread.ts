import { existsSync } from 'node:fs'
import { availableParallelism, loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { SeptumError } from '@septum/core'
import { broken } from '../volume/problem.js'
import { hdf5Library } from './library.js'
import {
  EXPECTED_MB,
  FINISHED,
  type Hdf5Board,
  type Hdf5Job,
  type Hdf5Reply,
  revivedError,
} from './messages.js'
import { type Hdf5Results, type Hdf5Task, runHdf5Task } from './task.js'

/** Time for a small file, which takes a hundredth of it. */
const PATIENCE_MS = 1000
/** Bytes that are read and unpacked in a millisecond at the slowest. */
const BYTES_PER_MS = 20_000
/** Arrays from this size on leave so large a memory behind that the thread is ended. */
const LARGE_BYTES = 2 ** 25

/** How many wait for each core of this machine: what takes a second alone takes as many here. */
const crowding = () => Math.max(1, loadavg()[0]! / availableParallelism())

type Answer = Hdf5Results[Hdf5Task['kind']]

interface Pending {
  readonly job: Hdf5Job
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: Error) => void
}

/**
 * A thread with the HDF5 library, one file at a time. A read that takes too long ends with the thread and an error: the
 * library may go round in circles in a damaged file, and nothing else stops it. An idle thread does not keep the
 * process alive.
 */
export class Hdf5Thread {
  private readonly waiting: Pending[] = []
  private readonly board: Hdf5Board = new Int32Array(new SharedArrayBuffer(8))
  private worker: Worker | undefined
  private ready = false
  private current: Pending | undefined
  private begun = 0
  private timer: NodeJS.Timeout | undefined
  private next = 1

  /** @param slowness factor of all times, asked when one is up. Default: how crowded the machine is. */
  constructor(
    private readonly program: URL,
    private readonly slowness: () => number = crowding,
  ) {}

  /** @throws SeptumError `volume-timeout`, `worker-died`, or what the task throws. */
  run<K extends Hdf5Task['kind']>(
    task: Extract<Hdf5Task, { kind: K }>,
    job: Omit<Hdf5Job, 'id' | 'task'>,
  ): Promise<Hdf5Results[K]> {
    return new Promise<Answer>((resolve, reject) => {
      this.waiting.push({ job: { ...job, id: this.next++, task }, resolve, reject })
      this.dispatch()
    }) as Promise<Hdf5Results[K]>
  }

  /** Ends the thread; reads under way are rejected. The next one starts another. */
  async close(): Promise<void> {
    const { worker } = this
    this.forget()
    worker?.ref()
    await worker?.terminate()
  }

  private dispatch(): void {
    if (this.current) return
    const pending = this.waiting.shift()
    if (!pending) {
      this.worker?.unref()
      return
    }
    this.current = pending
    this.worker ??= this.start()
    this.worker.ref()
    if (this.ready) this.send(pending)
  }

  private start(): Worker {
    const worker = new Worker(this.program, { workerData: this.board })
    worker.on('message', (reply: Hdf5Reply) => {
      if (worker === this.worker) this.hear(reply)
    })
    let cause: Error | undefined
    worker.on('error', (error) => {
      cause = error
    })
    worker.on('exit', () => {
      if (worker !== this.worker) return
      const { current } = this
      this.forget()
      current?.reject(died(current.job.file, cause))
      this.dispatch()
    })
    return worker
  }

  private send({ job }: Pending): void {
    this.begun = performance.now()
    this.worker!.postMessage(job, [job.bytes.buffer as ArrayBuffer])
    this.watch(PATIENCE_MS + job.bytes.length / BYTES_PER_MS, job)
  }

  private watch(allowedMs: number, job: Hdf5Job): void {
    this.timer = setTimeout(
      () => {
        // Of this thread, which may have computed until now, nothing follows for the other: it may long have answered.
        if (Atomics.load(this.board, FINISHED) === job.id) return
        const expected = Atomics.load(this.board, EXPECTED_MB) * 2 ** 20
        const most = this.slowness() * (PATIENCE_MS + (job.bytes.length + expected) / BYTES_PER_MS)
        if (performance.now() - this.begun < most) this.watch(most, job)
        else this.giveUp(job)
      },
      Math.max(1, allowedMs - (performance.now() - this.begun)),
    )
  }

  private giveUp({ file }: Hdf5Job): void {
    const { current, worker } = this
    const seconds = ((performance.now() - this.begun) / 1000).toFixed(1)
    this.forget()
    void worker?.terminate()
    current?.reject(
      new SeptumError(
        'volume-timeout',
        `The file was not read after ${seconds} s; a sound one takes far less`,
        'Copy it again from its source, or write it again with the program that made it.',
        { file },
      ),
    )
    this.dispatch()
  }

  private hear(reply: Hdf5Reply): void {
    if (reply.kind === 'ready') {
      this.ready = true
      if (this.current) this.send(this.current)
      return
    }
    const { current } = this
    if (!current || current.job.id !== reply.id) return
    clearTimeout(this.timer)
    this.current = undefined
    const large =
      reply.kind === 'result' && 'data' in reply.result && reply.result.data.byteLength > LARGE_BYTES
    if (large || (reply.kind === 'error' && reply.worn)) {
      const { worker } = this
      this.forget()
      void worker?.terminate()
    }
    if (reply.kind === 'error') current.reject(revivedError(reply.error))
    else current.resolve(reply.result)
    this.dispatch()
  }

  private forget(): void {
    clearTimeout(this.timer)
    this.worker = undefined
    this.ready = false
    this.current = undefined
  }
}

function died(file: string, cause: Error | undefined): SeptumError {
  return broken(file, `its reader ended${cause ? ` (${cause.message})` : ''}`, cause)
}

const program = new URL('./worker.js', import.meta.url)
// The sources of a test run are no JavaScript that a thread could load: there the library works in this thread.
let thread = existsSync(fileURLToPath(program)) ? new Hdf5Thread(program) : undefined

/** For tests: another program for the thread. */
export function useHdf5Thread(other: Hdf5Thread | undefined): void {
  thread = other
}

/** Runs a task on the bytes of a file, which it may take. @throws SeptumError as `Hdf5Thread.run`. */
export async function runOnHdf5<K extends Hdf5Task['kind']>(
  task: Extract<Hdf5Task, { kind: K }>,
  job: Omit<Hdf5Job, 'id' | 'task'>,
): Promise<Hdf5Results[K]> {
  if (thread) return thread.run(task, job)
  const library = await hdf5Library()
  const { bytes, file, limits } = job
  return library.use(bytes, (hdf5) => runHdf5Task<K>(hdf5, task, { file, fileSize: bytes.length, limits }))
}
