import { type BundleFiles, type BundleModel, openBundle } from '@septum/core'
import type { WebGpu } from './backend.js'

/** The part of WebGPU that is asked here. */
interface Gpu {
  requestAdapter(): Promise<{
    readonly info?: { readonly vendor?: string; readonly architecture?: string }
  } | null>
}

/**
 * WebGPU of this browser. ONNX Runtime's build for it, twice as large as the other, is loaded by `open` and not before.
 * @param runtime URL of the folder of ONNX Runtime's files
 */
export function webGpuOf(files: BundleFiles, runtime: string): WebGpu {
  return {
    async adapter() {
      const { gpu } = navigator as unknown as { readonly gpu?: Gpu }
      const adapter = await gpu?.requestAdapter()
      if (!adapter) return null
      const name = [adapter.info?.vendor, adapter.info?.architecture].filter(Boolean).join(' ')
      return name && `Adapter: ${name}.`
    },
    async open(): Promise<BundleModel> {
      const ort = await import('onnxruntime-web/webgpu')
      ort.env.wasm.wasmPaths = runtime
      ort.env.wasm.numThreads = 1
      ort.env.logLevel = 'error'
      return openBundle(files, {
        Tensor: ort.Tensor,
        create: (bytes) => ort.InferenceSession.create(bytes, { executionProviders: ['webgpu'] }),
      })
    },
  }
}
