import { openBundleFolder } from '../../inference/index.js'
import { runWorker } from './run-worker.js'

runWorker(openBundleFolder)
