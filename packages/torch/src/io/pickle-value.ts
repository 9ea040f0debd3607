import type { PthStorage, PthTensor } from './pth-tensor.js'

/** What a `.pth` file may hold: plain containers with tensors as leaves. Tuples come as frozen arrays. */
export type PthValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | PthTensor
  | readonly PthValue[]
  | ReadonlyMap<PthKey, PthValue>

export type PthKey = null | boolean | number | bigint | string

/** What lies on the stack of the unpickler. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | PthTensor
  | PthStorage
  | PickleGlobal
  | PickleList
  | PickleDict

/** An interface, as TypeScript cannot close a circle of type aliases. */
export interface PickleList extends Array<PickleValue> {}
export interface PickleDict extends Map<PickleValue, PickleValue> {}

/** One of the few names that a pickle may mention, and what calling it means here. */
export class PickleGlobal {
  constructor(
    readonly name: string,
    /** Element type, when it names a storage class. */
    readonly dtype: PthTensor['dtype'] | null,
    /** Null when it may be mentioned but not called. */
    readonly call: ((args: readonly PickleValue[]) => PickleValue | undefined) | null,
  ) {}
}
