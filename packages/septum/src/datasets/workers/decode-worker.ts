import { parentPort, workerData } from 'node:worker_threads'
import { loadCase } from '../case.js'
import { plainError, shared, type WorkerJob, type WorkerReply, type WorkerSetup } from './messages.js'

const { dataset, atOnce } = workerData as WorkerSetup
const port = parentPort!

async function work({ id, entry, settings }: WorkerJob): Promise<WorkerReply> {
  try {
    const decoded = await loadCase(dataset, entry, settings)
    const { image, masks } = decoded
    return { id, decoded: { ...decoded, image: shared(image), masks: shared(masks) } }
  } catch (error) {
    return { id, error: plainError(error) }
  }
}

const queue: WorkerJob[] = []
let running = 0

/** Jobs wait here, so that their way from the main thread costs no time. */
function begin(): void {
  while (running < atOnce && queue.length > 0) {
    running++
    work(queue.shift()!).then((reply) => {
      running--
      port.postMessage(reply)
      begin()
    })
  }
}

port.on('message', (job: WorkerJob) => {
  queue.push(job)
  begin()
})
