import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { type CaseJob, type EvaluationPlan, runJob } from './job.js'
import type { ScoredCase } from './score.js'

const ownProgram = new URL('./worker.js', import.meta.url)

/** Cases that this thread does first, to learn how long one takes. */
const TRIAL = 4

/** A thread loads the readers and metrics anew (about half a second): less work than this is done sooner alone. */
const WORTH_SECONDS = 4

/**
 * Runs jobs on worker threads, each with one case in memory at a time, or all in this thread.
 * @param wanted number of threads; 0: as many as there are cores where the first cases show that it pays.
 * @param program of a thread. Default: this package's.
 * @param onResult called once a job, in the order in which they end.
 * @returns the number of threads that worked.
 * @throws the signal's reason when it is aborted, and whatever a job did not foresee.
 */
export async function runJobs(
  plan: EvaluationPlan,
  jobs: readonly CaseJob[],
  wanted: number,
  signal: AbortSignal,
  onResult: (job: CaseJob, result: ScoredCase) => void,
  program = ownProgram,
): Promise<number> {
  const cores = availableParallelism()
  // The sources of a test run are no JavaScript that a thread could load.
  const most = existsSync(fileURLToPath(program)) ? Math.min(wanted || cores, jobs.length) : 1
  if (most <= 1) return runHere(plan, jobs, signal, onResult)
  if (wanted > 1) return runThreads(plan, jobs, most, signal, onResult, program)
  const start = performance.now()
  await runHere(plan, jobs.slice(0, TRIAL), signal, onResult)
  const rest = jobs.slice(TRIAL)
  const seconds = ((performance.now() - start) / 1000 / TRIAL) * rest.length
  return seconds < WORTH_SECONDS
    ? runHere(plan, rest, signal, onResult)
    : runThreads(plan, rest, Math.min(most, rest.length), signal, onResult, program)
}

async function runHere(
  plan: EvaluationPlan,
  jobs: readonly CaseJob[],
  signal: AbortSignal,
  onResult: (job: CaseJob, result: ScoredCase) => void,
): Promise<number> {
  for (const job of jobs) {
    signal.throwIfAborted()
    onResult(job, await runJob(plan, job))
    // Signals and the terminal get their turn between cases.
    await new Promise(setImmediate)
  }
  return 1
}

async function runThreads(
  plan: EvaluationPlan,
  jobs: readonly CaseJob[],
  workers: number,
  signal: AbortSignal,
  onResult: (job: CaseJob, result: ScoredCase) => void,
  program: URL,
): Promise<number> {
  const threads = Array.from({ length: workers }, () => new Worker(program, { workerData: plan }))
  let next = 0
  try {
    await new Promise<void>((resolve, reject) => {
      let busy = threads.length
      const abort = () => reject(signal.reason)
      signal.addEventListener('abort', abort, { once: true })
      if (signal.aborted) abort()
      for (const thread of threads) {
        let job: CaseJob | undefined
        const send = () => {
          job = jobs[next++]
          if (job) thread.postMessage(job)
          else if (--busy === 0) {
            signal.removeEventListener('abort', abort)
            resolve()
          }
        }
        thread.on('message', (answer: { result?: ScoredCase; error?: unknown }) => {
          try {
            if (!answer.result) throw answer.error
            onResult(job!, answer.result)
            send()
          } catch (error) {
            reject(error)
          }
        })
        thread.on('error', reject)
        send()
      }
    })
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()))
  }
  return workers
}
