import { Random } from '@septum/core'
import { buffer, type nn, noGrad, type Tensor } from '@septum/torch'

/**
 * Turns the parameters of a module into buffers: saved with the model, trained by nobody, counted as no part of it.
 * @returns the module
 */
export function asBuffers<M extends nn.Module>(module: M): M {
  const owners = new Map(module.modules())
  for (const [name, parameter] of [...module.namedParameters()]) {
    const dot = name.lastIndexOf('.')
    Object.assign(owners.get(name.slice(0, Math.max(0, dot)))!, {
      [name.slice(dot + 1)]: buffer(parameter.detach()),
    })
  }
  return module
}

/** Gives a copy the values of the original. */
export function copyInto(copy: nn.Module, original: nn.Module): void {
  const values: ReadonlyMap<string, Tensor> = original.stateDict()
  noGrad(() => {
    for (const [name, t] of copy.stateDict()) t.copy_(values.get(name)!)
  })
}

/**
 * When an image joins the pool of those with pseudo-labels: a number in [0, 1) that follows from its name, so that
 * groups need no list and a resumed run finds the same ones.
 */
export function turnOf(name: string): number {
  let hash = 0
  for (let i = 0; i < name.length; i++) hash = (Math.imul(hash, 31) + name.charCodeAt(i)) >>> 0
  return new Random(hash).uniform()
}
