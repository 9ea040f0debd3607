import type { Store } from '../app/state.js'
import { Cancelled, type Engine } from '../engine/client.js'
import { problemOf } from '../files/problem.js'
import { byId, say } from './dom.js'

/** The part of WebGPU that tells whether to offer it; its test comes when a person asks for it. */
interface Gpu {
  requestAdapter(): Promise<object | null>
}

/** The choice of what computes, in the display sheet. */
export function backend(store: Store, engine: Engine): void {
  const select = byId<HTMLSelectElement>('backend')
  const note = byId('backend-note')
  const webgpu = select.querySelector<HTMLOptionElement>('option[value=webgpu]')!

  engine.onBackend = ({ backend, reason }) => {
    select.value = backend
    say(note, reason || processor)
  }
  select.onchange = async () => {
    const wish = select.value === 'webgpu' ? 'webgpu' : 'wasm'
    if (store.session.busy) {
      select.value = 'wasm'
      say(note, 'Wait until the model has finished, then choose again.')
      return
    }
    if (!store.session.manifest) {
      await engine.useBackend(wish)
      say(note, 'It is tested when a model is opened.')
      return
    }
    store.update({ busy: { kind: 'loading', text: 'Testing WebGPU with this model', share: null } })
    try {
      await engine.useBackend(wish)
    } catch (error) {
      select.value = 'wasm'
      say(note, 'The test was stopped.')
      if (!(error instanceof Cancelled)) store.update({ problem: problemOf(error) })
    } finally {
      store.update({ busy: null })
    }
  }

  say(note, processor)
  void adapter().then((found) => {
    if (found) return
    webgpu.disabled = true
    say(note, `${processor} This browser offers no WebGPU.`)
  })
}

const processor = 'The model runs on the processor.'

async function adapter(): Promise<boolean> {
  const { gpu } = navigator as unknown as { readonly gpu?: Gpu }
  return (await gpu?.requestAdapter().catch(() => null)) != null
}
