import { parentPort, workerData } from 'node:worker_threads'
import { type CaseJob, type EvaluationPlan, runJob } from './job.js'

// The other side is `pool.ts`: a job comes in, its scores or what nobody foresaw go out.
const plan = workerData as EvaluationPlan
parentPort?.on('message', async (job: CaseJob) => {
  try {
    parentPort!.postMessage({ result: await runJob(plan, job) })
  } catch (error) {
    parentPort!.postMessage({ error })
  }
})
