import { checkBooleans } from './booleans.js'
import { type Fail, HINT_DAMAGED } from './fail.js'
import { allocate } from './file.js'
import { elementBytes, elementCount, type StoredDType } from './stored-dtype.js'

/** A view that repeats elements (stride 0, overlap) may grow beyond its storage up to this. */
const MAX_REPEATED_BYTES = 2 ** 26
/** As many axes as libtorch iterates over. */
export const MAX_RANK = 64

/** Where the bytes of a storage come from. */
export interface StorageBytes {
  /** @returns bytes [begin, end) of the storage in an ArrayBuffer of their own. */
  read(begin: number, end: number): Uint8Array<ArrayBuffer>
}

/** The memory that one or several tensors of a `.pth` file share. */
export class PthStorage {
  /** Set when its place in the file is known. */
  bytes: StorageBytes | null = null

  constructor(
    readonly key: string,
    readonly dtype: StoredDType,
    /** Number of elements. */
    readonly numel: number,
    readonly fail: Fail,
  ) {}
}

/** A tensor in an open `.pth` file: a strided view of a storage. */
export class PthTensor {
  readonly dtype: StoredDType

  private constructor(
    private readonly storage: PthStorage,
    readonly shape: readonly number[],
    /** Elements between neighbours along each axis. */
    readonly strides: readonly number[],
    /** First element in its storage. */
    readonly storageOffset: number,
    /** Whether it was an `nn.Parameter`. */
    readonly isParameter: boolean,
    private readonly numel: number,
    /** Elements from the first to past the last in the storage. */
    private readonly span: number,
  ) {
    this.dtype = storage.dtype
  }

  /**
   * Checks a view against its storage, as `Tensor.set_` does. Throws `pth-view`.
   * @param strides non-negative, one for each axis.
   */
  static view(
    storage: PthStorage,
    shape: readonly number[],
    strides: readonly number[],
    storageOffset: number,
    isParameter = false,
  ): PthTensor {
    const wrong = (what: string) =>
      storage.fail('pth-view', `a tensor of shape [${shape}] ${what}`, HINT_DAMAGED)
    if (shape.length > MAX_RANK || shape.length !== strides.length)
      throw wrong('has a wrong number of strides')
    const natural = (n: number) => Number.isSafeInteger(n) && n >= 0
    const numel = elementCount(shape)
    if (numel === null || !strides.every(natural) || !natural(storageOffset)) {
      throw wrong('has a size, stride or offset that is not a small non-negative integer')
    }
    const last = shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis]!, 0)
    const span = numel === 0 ? 0 : last + 1
    if (!(storageOffset + span <= storage.numel)) {
      throw wrong(`reaches element ${storageOffset + span} of a storage of ${storage.numel}`)
    }
    if (numel > storage.numel && numel * elementBytes(storage.dtype) > MAX_REPEATED_BYTES) {
      throw wrong(`repeats the ${storage.numel} elements of its storage into ${numel}`)
    }
    return new PthTensor(storage, shape, strides, storageOffset, isParameter, numel, span)
  }

  /** The same view, marked as a parameter. */
  asParameter(): PthTensor {
    return PthTensor.view(this.storage, this.shape, this.strides, this.storageOffset, true)
  }

  /** Tensors with the same key share their memory. */
  get storageKey(): string {
    return this.storage.key
  }

  /**
   * @returns the elements, row-major and little-endian, in an ArrayBuffer of their own.
   * Throws `zip-crc`, `bool-value`, `file-closed` and other errors of reading.
   */
  read(): Uint8Array<ArrayBuffer> {
    const { storage, storageOffset, span, dtype } = this
    const size = elementBytes(dtype)
    if (storage.bytes === null) throw storage.fail('pth-storage', 'a storage has no bytes', HINT_DAMAGED)
    const bytes = storage.bytes.read(storageOffset * size, (storageOffset + span) * size)
    if (dtype === 'bool') checkBooleans(bytes, 'a tensor', storage.fail)
    return this.isContiguous() ? bytes : this.gather(bytes)
  }

  private isContiguous(): boolean {
    let expected = 1
    for (let axis = this.shape.length - 1; axis >= 0; axis--) {
      const size = this.shape[axis]!
      if (size !== 1 && this.strides[axis] !== expected) return this.numel === 0
      expected *= size
    }
    return true
  }

  /** Copies element by element in words of up to 4 bytes; floats would lose the bits of their NaNs. */
  private gather(source: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const size = elementBytes(this.dtype)
    const target = allocate(this.numel * size, this.storage.fail)
    const Words = size === 1 ? Uint8Array : size === 2 ? Uint16Array : Uint32Array
    const from = new Words(source.buffer)
    const to = new Words(target.buffer)
    const words = size / Words.BYTES_PER_ELEMENT
    const { shape, strides } = this
    const index: number[] = new Array(shape.length).fill(0)
    let element = 0
    for (let done = 0; done < to.length; done += words) {
      for (let word = 0; word < words; word++) to[done + word] = from[element * words + word]!
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        index[axis]!++
        element += strides[axis]!
        if (index[axis]! < shape[axis]!) break
        element -= strides[axis]! * shape[axis]!
        index[axis] = 0
      }
    }
    return target
  }
}
