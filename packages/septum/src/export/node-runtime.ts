import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BundleFiles, SessionFactory } from '@septum/core'

export interface NodeRuntimeOptions {
  /** CPU threads of one operator. Beside libtorch in one process: 1, as two thread pools fight for the cores. */
  readonly threads: number
}

/** ONNX Runtime on the CPU. It is loaded by the first call: programs that run no bundle do without. */
export async function nodeSessions({ threads }: NodeRuntimeOptions): Promise<SessionFactory> {
  const { InferenceSession, Tensor } = await import('onnxruntime-node')
  return {
    Tensor,
    create: (graph) =>
      InferenceSession.create(graph, {
        executionProviders: ['cpu'],
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        // Warnings of optimisers are no news for users.
        logSeverityLevel: 3,
      }),
  }
}

/** The files of a bundle in a folder. */
export const folderFiles = (folder: string): BundleFiles => ({ read: (file) => readFile(join(folder, file)) })
