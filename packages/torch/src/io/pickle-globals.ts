import { PickleGlobal, type PickleValue } from './pickle-value.js'
import { MAX_RANK, PthStorage, PthTensor } from './pth-tensor.js'
import type { StoredDType } from './stored-dtype.js'

const STORAGES: readonly (readonly [string, StoredDType])[] = [
  ['DoubleStorage', 'float64'],
  ['FloatStorage', 'float32'],
  ['HalfStorage', 'float16'],
  ['BFloat16Storage', 'bfloat16'],
  ['LongStorage', 'int64'],
  ['IntStorage', 'int32'],
  ['ShortStorage', 'int16'],
  ['CharStorage', 'int8'],
  ['ByteStorage', 'uint8'],
  ['BoolStorage', 'bool'],
  ['ComplexFloatStorage', 'complex64'],
  ['ComplexDoubleStorage', 'complex128'],
]

/** Names of `torch.dtype` objects; they come as text, such as `torch.float16`. */
const DTYPES = [
  'float64',
  'float32',
  'float16',
  'bfloat16',
  'int64',
  'int32',
  'int16',
  'int8',
  'uint8',
  'bool',
  'complex64',
  'complex128',
]

/**
 * Every name that a pickle may mention. The functions build tensors and containers and do nothing else;
 * they return undefined for arguments that PyTorch never writes.
 */
export const PICKLE_GLOBALS: ReadonlyMap<string, PickleGlobal | string> = new Map<
  string,
  PickleGlobal | string
>([
  callable('collections.OrderedDict', orderedDict),
  callable('torch.Size', size),
  callable('torch.device', device),
  callable('torch._utils._rebuild_tensor_v2', rebuildTensor),
  callable('torch._utils._rebuild_parameter', rebuildParameter),
  ...STORAGES.map(([name, dtype]) => storage(`torch.${name}`, dtype)),
  storage('torch.storage.UntypedStorage', 'uint8'),
  storage('torch.storage.TypedStorage', null),
  ...DTYPES.map((name): [string, string] => [`torch.${name}`, `torch.${name}`]),
])

function callable(name: string, call: PickleGlobal['call']): [string, PickleGlobal] {
  return [name, new PickleGlobal(name, null, call)]
}

function storage(name: string, dtype: StoredDType | null): [string, PickleGlobal] {
  return [name, new PickleGlobal(name, dtype, null)]
}

/** `OrderedDict()` or, from Python 2, `OrderedDict([[key, value], ...])`. */
function orderedDict(args: readonly PickleValue[]): PickleValue | undefined {
  const [pairs] = args
  const map = new Map<PickleValue, PickleValue>()
  if (args.length === 0) return map
  if (args.length > 1 || !Array.isArray(pairs) || Object.isFrozen(pairs)) return undefined
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2) return undefined
    map.set(pair[0]!, pair[1]!)
  }
  // Python names the list once. A hostile pickle could name a long one a million times; emptied, it costs nothing.
  pairs.length = 0
  return map
}

/** `torch.Size((2, 3))` */
function size(args: readonly PickleValue[]): PickleValue | undefined {
  return args.length === 1 && isNumbers(args[0]) ? (Object.freeze([...args[0]]) as PickleValue) : undefined
}

/** `torch.device('cuda', 0)` comes as `cuda:0`. */
function device(args: readonly PickleValue[]): PickleValue | undefined {
  const [type, index] = args
  if (typeof type !== 'string' || args.length > 2) return undefined
  if (index === undefined || index === null) return type
  return typeof index === 'number' ? `${type}:${index}` : undefined
}

/** `_rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, backward_hooks, metadata=None)` */
function rebuildTensor(args: readonly PickleValue[]): PickleValue | undefined {
  const [memory, offset, shape, strides, requiresGrad, hooks, metadata = null] = args
  if (args.length < 6 || args.length > 7 || !(memory instanceof PthStorage)) return undefined
  if (typeof offset !== 'number' || !isNumbers(shape) || !isNumbers(strides)) return undefined
  // Metadata says that a tensor is negated or conjugated lazily: its bytes alone would be wrong.
  if (typeof requiresGrad !== 'boolean' || !isNoHooks(hooks)) return undefined
  if (metadata !== null && !(metadata instanceof Map && metadata.size === 0)) return undefined
  return PthTensor.view(memory, [...shape], [...strides], offset)
}

/** `_rebuild_parameter(data, requires_grad, backward_hooks)` */
function rebuildParameter(args: readonly PickleValue[]): PickleValue | undefined {
  const [data, requiresGrad, hooks] = args
  if (args.length !== 3 || !(data instanceof PthTensor)) return undefined
  return typeof requiresGrad === 'boolean' && isNoHooks(hooks) ? data.asParameter() : undefined
}

function isNumbers(value: PickleValue | undefined): value is number[] {
  return Array.isArray(value) && value.length <= MAX_RANK && value.every((item) => typeof item === 'number')
}

function isNoHooks(value: PickleValue | undefined): boolean {
  return value === null || (value instanceof Map && value.size === 0)
}
