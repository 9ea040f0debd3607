import { buffer, native } from './native.js'
import type { Tensor } from './tensor.js'

/** Tensors made while a scope is open; they end with it. */
export class Scope {
  readonly made: Tensor[] = []
  constructor(readonly parent: Scope | null) {}
}

let current: Scope | null = null

/** Frees what JavaScript dropped without saying so. */
const dropped = new FinalizationRegistry<number>((handle) => {
  buffer[0] = handle
  native.freeMany(1)
})

/** Gives a new tensor to the open scope, or to the garbage collector when there is none. */
export function adopt(tensor: Tensor): Scope | null {
  if (current) current.made.push(tensor)
  else leaveToCollector(tensor)
  return current
}

function leaveToCollector(tensor: Tensor): void {
  dropped.register(tensor, tensor.handle, tensor)
  native.report(tensor.handle)
}

/** Frees one tensor now. Freeing twice is harmless. */
export function release(tensor: Tensor): void {
  if (tensor.owner === null) dropped.unregister(tensor)
  buffer[0] = tensor.handle
  native.freeMany(1)
}

function moveTo(tensor: Tensor, owner: Scope | null): void {
  tensor.owner = owner
  if (owner) owner.made.push(tensor)
  else leaveToCollector(tensor)
}

/** Calls `visit` for every tensor in nested arrays, plain objects and maps. */
function visitTensors(
  value: unknown,
  isTensor: (v: object) => v is Tensor,
  visit: (t: Tensor) => void,
): void {
  if (value === null || typeof value !== 'object') return
  if (isTensor(value)) visit(value)
  else if (Array.isArray(value)) for (const item of value) visitTensors(item, isTensor, visit)
  else if (value instanceof Map) for (const item of value.values()) visitTensors(item, isTensor, visit)
  else if (Object.getPrototypeOf(value) === Object.prototype) {
    for (const item of Object.values(value)) visitTensors(item, isTensor, visit)
  }
}

const looksLikeTensor = (v: object): v is Tensor => 'handle' in v && 'owner' in v

function close(scope: Scope, result: unknown): void {
  current = scope.parent
  visitTensors(result, looksLikeTensor, (t) => {
    if (t.owner === scope) moveTo(t, scope.parent)
  })
  let count = 0
  for (const tensor of scope.made) {
    if (tensor.owner !== scope) continue
    if (count === buffer.length) {
      native.freeMany(count)
      count = 0
    }
    buffer[count++] = tensor.handle
  }
  if (count > 0) native.freeMany(count)
  scope.made.length = 0
}

/**
 * Runs `body` and frees every tensor made inside, except those it returns (also inside arrays, plain
 * objects and maps) and those given to {@link keep}. Scopes nest. `body` must be synchronous: a tensor made
 * after an `await` belongs to whoever runs then.
 *
 * @example const loss = scope(() => F.mseLoss(model.forward(x), y).item())
 */
export function scope<T>(body: () => T): T {
  const inner = new Scope(current)
  current = inner
  let result: T | undefined
  try {
    result = body()
    if (result instanceof Promise)
      throw new TypeError('scope() needs a synchronous function, this one returned a promise')
    return result
  } finally {
    close(inner, result)
  }
}

/** Takes a tensor out of the scopes: it lives until `free()` or until JavaScript drops it. Returns it. */
export function keep<T extends Tensor>(tensor: T): T {
  if (tensor.owner !== null) moveTo(tensor, null)
  return tensor
}

/** Number of tensors that JavaScript holds now; a test that runs a loop and compares it finds every leak. */
export function liveTensors(): number {
  return native.liveHandles()
}
