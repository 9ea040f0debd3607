import { parentPort, workerData } from 'node:worker_threads'
import { loadCase } from '../case.js'
import { plainError, shared, type WorkerJob, type WorkerReply, type WorkerSetup } from './messages.js'

const { dataset } = workerData as WorkerSetup
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

port.on('message', (job: WorkerJob) => {
  work(job).then((reply) => port.postMessage(reply))
})
