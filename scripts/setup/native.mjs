import { BuildError, buildNative, describeLibtorch, isBuilt } from '../../packages/torch/native/build.mjs'
import { SetupError } from './progress.mjs'

/** packages/torch/build/septum_torch.node. @type {import('./steps.mjs').Step} */
export const nativeBridge = {
  name: 'native bridge',

  async missing({ libtorch }) {
    return friendly(async () =>
      isBuilt(libtorch) ? undefined : { text: `a build for ${describeLibtorch(libtorch)}` },
    )
  },

  async install({ libtorch }, _missing, note) {
    await friendly(() => buildNative({ libtorch, say: note }))
  },

  async describe({ libtorch }) {
    return describeLibtorch(libtorch)
  },
}

async function friendly(work) {
  try {
    return await work()
  } catch (error) {
    if (error instanceof BuildError) throw new SetupError(error.message, { log: error.log })
    throw error
  }
}
