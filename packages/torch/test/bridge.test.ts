import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import {
  type Argument,
  arange,
  cat,
  F,
  fromBytes,
  full,
  named,
  nn,
  noGrad,
  ones,
  operator,
  randn,
  scope,
  type Tensor,
  tensor,
  zeros,
} from '@septum/torch'
import { describe, expect, it } from 'vitest'

/** What JavaScript can pass although TypeScript would not let it. */
const wrong = (value: unknown) => value as Argument
const add = operator('aten::add.Tensor')

describe('arguments', () => {
  it('of wrong types are errors that name operator, argument and shapes', () => {
    const x = ones([2, 3])
    expect(() => add.one(x, 'text')).toThrow(/add\.Tensor/)
    expect(() => add.one(x, wrong({}))).toThrow(/not object/)
    expect(() =>
      add.one(
        x,
        wrong(() => 1),
      ),
    ).toThrow(/not function/)
    expect(() => add.one(x, wrong(Symbol('s')))).toThrow(/not symbol/)
    expect(() => add.one(x, null)).toThrow(/add/)
    expect(() => add.one(x)).toThrow(/add/)
    expect(() => add.one(x, x, x)).toThrow(/add/)
    expect(() => add.one(x, x, 1, 2, 3)).toThrow(/add/)
    expect(() => add.one(x, x, named('beta', 1))).toThrow(/beta/)
    expect(() => operator('aten::cat').one([x, wrong(3) as Tensor])).toThrow(/list of tensors/)
    expect(() => operator('aten::sum.dim_IntList').one(x, [0.5])).toThrow(/sum/)
    expect(() => operator('aten::sum.dim_IntList').one(x, wrong(['a']))).toThrow(
      /list of numbers holds string/,
    )
    expect(() => operator('aten::reshape').one(x, [Number.NaN, 2])).toThrow(/reshape/)
    expect(() => operator('aten::reshape').one(x, [Number.POSITIVE_INFINITY])).toThrow(/reshape/)
    expect(() => operator('aten::select.int').one(x, 0.5, 0)).toThrow(/select/)
    expect(() => operator('aten::add.Tensor').one(x, named('alpha', 2), x)).toThrow(/follows a named/)
    expect(() => operator('aten::add.Tensor').one(x, x, named('self', x))).toThrow(/given twice/)
  })

  it('that fit no overload are errors with a sentence for each overload, and nothing else', () => {
    let message = ''
    try {
      operator('aten::add').one(ones([1]), 'text')
    } catch (error) {
      message = (error as Error).message
    }
    expect(message).toMatch(/^aten::add\(\[1\].*'text'\): \./)
    expect(message).toMatch(/\.Tensor argument 'other': expected a tensor, got a string/)
    expect(message).not.toMatch(/; ;|; ?$/)
  })

  it('of wrong sizes keep the sentence of libtorch and add the shapes', () => {
    expect(() => ones([2, 3]).matmul(ones([2, 3]))).toThrow(/matmul.*\[2, 3\]/s)
    expect(() => cat([ones([2]), ones([2, 2])])).toThrow(/cat/)
    expect(() => ones([2, 3]).add(ones([4]))).toThrow(/add.*\[2, 3\].*\[4\]/s)
    expect(() => F.conv2d(ones([1, 3, 4, 4]), ones([2, 2, 3, 3]))).toThrow(
      /conv2d.*\[1, 3, 4, 4\].*\[2, 2, 3, 3\]/s,
    )
    expect(() => zeros([2]).view([3])).toThrow(/view/)
    expect(() => zeros([2]).size(1)).toThrow(RangeError)
    expect(() => zeros([-1])).toThrow(/zeros/)
    expect(() => zeros([2 ** 31, 2 ** 31])).toThrow(/zeros|empty/)
    expect(() => zeros([2 ** 40])).toThrow()
  })

  it('of wrong names are errors', () => {
    expect(() => operator('aten::no_such_operator').one(ones([1]))).toThrow(
      /no operator 'aten::no_such_operator'/,
    )
    expect(() => operator('aten::add.NoOverload').one(ones([1]))).toThrow(/NoOverload/)
    expect(() => operator('').one()).toThrow()
    expect(() => operator('add').one(ones([1]), 1)).toThrow()
    expect(() => operator('aten::add\0.Tensor').one(ones([1]), 1)).toThrow()
    expect(() => zeros([1], { dtype: 'float31' as 'float32' })).toThrow(/float31/)
    expect(() => zeros([1], { device: 'moon' })).toThrow(/moon/)
    expect(() => zeros([1], { device: 'cuda:99' })).toThrow()
    expect(() => fromBytes(new Uint8Array(4), 'float31' as 'float32', [1])).toThrow(/float31/)
    expect(() => ones([1, 1]).contiguous('sideways' as 'channels_last')).toThrow(/sideways/)
  })

  it('may be long lists, but not longer than the buffer', () => {
    const x = arange(0, 100_000)
    const list = x.split(10)
    expect(list).toHaveLength(10_000)
    expect(cat(list).equal(x)).toBe(true)
    expect(() => zeros(new Array<number>(100_000).fill(1))).toThrow(/too long/)
    expect(() => operator('aten::cat').one(new Array<Tensor>(70_000).fill(x))).toThrow(/too long/)
    // A call that failed half way leaves nothing behind for the next.
    expect(ones([2]).add(1).toArray()).toEqual([2, 2])
  })

  it('beyond 2^53 pass as bigint, exactly', () => {
    const big = 2n ** 53n + 1n
    const x = zeros([1], { dtype: 'int64' })
    operator('aten::fill_.Scalar').one(x, big)
    expect((x.data() as BigInt64Array)[0]).toBe(big)
    operator('aten::fill_.Scalar').one(x, -(2n ** 63n))
    expect((x.data() as BigInt64Array)[0]).toBe(-(2n ** 63n))
    expect(tensor(new BigInt64Array([big])).data()[0]).toBe(big)
    for (const wide of [2n ** 63n, -(2n ** 63n) - 1n, 2n ** 64n])
      expect(() => operator('aten::fill_.Scalar').one(x, wide), String(wide)).toThrow(RangeError)
    expect((x.data() as BigInt64Array)[0]).toBe(-(2n ** 63n))
  })

  it('take NaN and infinities where numbers go', () => {
    expect(full([1], Number.NaN).item()).toBeNaN()
    expect(ones([1]).mul(Number.NEGATIVE_INFINITY).item()).toBe(Number.NEGATIVE_INFINITY)
    expect(Object.is(full([1], -0).item(), -0)).toBe(true)
  })
})

describe('handles', () => {
  it('that were freed say so, and freeing twice is harmless', () => {
    const x = ones([2])
    x.free()
    x.free()
    expect(() => x.add(1)).toThrow(/freed/)
    expect(() => x.shape).toThrow(/freed/)
    expect(() => x.dtype).toThrow(/freed/)
    expect(() => x.item()).toThrow(/freed/)
    expect(() => x.data()).toThrow(/freed/)
    expect(() => x.grad).toThrow(/freed/)
    expect(() => x.backward()).toThrow(/freed/)
    expect(() => cat([ones([1]), x])).toThrow(/freed/)
    expect(() => x.requiresGrad_()).toThrow(/freed/)
    // The place of a freed tensor is used again; the old handle must not reach the new tensor.
    const others = Array.from({ length: 100 }, () => zeros([1]))
    expect(() => x.shape).toThrow(/freed/)
    expect(others.every((t) => t.item() === 0)).toBe(true)
  })

  it('that are forged are errors', () => {
    const forged = (handle: unknown) =>
      Object.assign(Object.create(Object.getPrototypeOf(ones([1]))), { handle }) as Tensor
    for (const handle of [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 40, 2 ** 52, 1e300]) {
      expect(() => forged(handle).shape, String(handle)).toThrow()
      expect(() => ones([1]).add(forged(handle)), String(handle)).toThrow()
      expect(() => forged(handle).free(), String(handle)).not.toThrow()
    }
    for (const handle of ['1', null, undefined, {}, 1n])
      expect(() => forged(handle).shape, String(handle)).toThrow()
  })

  it('outlive neither their scope nor `using`', () => {
    let escaped: Tensor | undefined
    scope(() => {
      escaped = ones([1])
    })
    expect(() => escaped!.item()).toThrow(/freed/)
    {
      using inner = ones([1])
      escaped = inner
    }
    expect(() => escaped!.item()).toThrow(/freed/)
  })
})

describe('arrays', () => {
  it('of all kinds go in and out', () => {
    const arrays = [
      Float32Array.of(1.5, -2),
      Float64Array.of(0.1, 3),
      Int32Array.of(-5, 7),
      Int16Array.of(-5, 7),
      Int8Array.of(-5, 7),
      Uint8Array.of(5, 255),
      BigInt64Array.of(-5n, 7n),
    ]
    for (const array of arrays) {
      const t = tensor(array)
      expect(t.data()).toEqual(array)
      expect(t.data().constructor).toBe(array.constructor)
    }
    expect(
      tensor(
        [
          [1, 2],
          [3, 4],
        ],
        { dtype: 'int64' },
      ).toArray(),
    ).toEqual([1, 2, 3, 4])
    expect(tensor(true, { dtype: 'bool' }).item()).toBe(1)
    expect(tensor([]).shape).toEqual([0])
    expect(tensor(new Float32Array(0), { shape: [0, 3] }).shape).toEqual([0, 3])
    expect(tensor([0.1]).to({ dtype: 'bfloat16' }).toArray()[0]).toBeCloseTo(0.1, 3)
  })

  it('that are ragged, detached, too short or of no dtype are errors', () => {
    for (const value of ['text', null, undefined, {}, ['1'], [[1], ['2']], Symbol('s')])
      expect(() => tensor(value as unknown as number), typeof value).toThrow(TypeError)
    expect(() => tensor([[1, 2], [3]])).toThrow(/rectangular/)
    expect(() => tensor([[1, 2], 3] as unknown as number[])).toThrow(/rectangular/)
    expect(() => tensor([1, [2]] as unknown as number[])).toThrow(/rectangular/)
    expect(() => tensor(new Float32Array(4), { shape: [3] })).toThrow()
    expect(() => tensor(new Float32Array(4), { shape: [-4] })).toThrow()
    expect(() => tensor(new Float32Array(4), { shape: [2 ** 40, 2 ** 40] })).toThrow()
    expect(() => tensor(new Float32Array(4), { shape: [0.5] })).toThrow()
    expect(() => tensor(new DataView(new ArrayBuffer(4)) as unknown as Float32Array)).toThrow()
    expect(() => tensor(new BigUint64Array(1) as unknown as BigInt64Array)).toThrow()
    expect(() => fromBytes(new Uint8Array(3), 'float32', [1])).toThrow()
    const array = new Float32Array([1, 2])
    const { port1, port2 } = new MessageChannel()
    port1.postMessage(array, [array.buffer])
    receiveMessageOnPort(port2)
    port1.close()
    expect(() => tensor(array, { shape: [2] })).toThrow()
  })

  it('are views of the memory of contiguous tensors, also after the tensor is freed', () => {
    const t = zeros([2, 2])
    const view = t.data()
    t.fill_(3)
    expect(Array.from(view as Float32Array)).toEqual([3, 3, 3, 3])
    const again = t.data()
    t.free()
    again[0] = 4
    expect(view[0]).toBe(4)
    expect(randn([2, 3]).transpose(0, 1).data()).toHaveLength(6)
    expect(arange(0, 6).narrow(0, 2, 2).data()).toEqual(BigInt64Array.of(2n, 3n))
  })

  it('over a SharedArrayBuffer are used in place', () => {
    const shared = new Float32Array(new SharedArrayBuffer(16), 4, 2)
    const t = tensor(shared)
    t.fill_(5)
    expect(Array.from(shared)).toEqual([5, 5])
    shared[1] = 7
    expect(t.toArray()).toEqual([5, 7])
    const copied = new Float32Array(2)
    tensor(copied).fill_(1)
    expect(Array.from(copied)).toEqual([0, 0])
  })

  it('of views do not let JavaScript reach beyond them', () => {
    const half = zeros([4]).narrow(0, 0, 2)
    expect(half.data().buffer.byteLength).toBe(8)
    const t = zeros([2])
    const view = t.data()
    // Growing the storage would leave the array pointing at freed memory.
    expect(() => operator('aten::resize_').one(t, [1 << 20])).toThrow()
    expect(view.length).toBe(2)
  })
})

describe('graph and modes', () => {
  it('misuse of gradients is an error', () => {
    expect(() => ones([2]).backward()).toThrow(/grad/)
    expect(() => ones([2]).requiresGrad_().mul(2).backward()).toThrow(/scalar/)
    expect(() => ones([2], { dtype: 'int64' }).requiresGrad_()).toThrow(/floating/)
    const leaf = ones([2])
    for (const wrongGradient of [ones([3]), ones([2], { dtype: 'float64' }), ones([2, 1])])
      expect(() => {
        leaf.grad = wrongGradient
      }).toThrow(/shape, dtype and device/)
    leaf.grad = ones([2])
    expect(leaf.grad.toArray()).toEqual([1, 1])
    leaf.grad = null
    expect(leaf.grad).toBeNull()
    const x = ones([2]).requiresGrad_()
    const y = x.square().sum()
    y.backward()
    expect(() => y.backward()).toThrow(/second time/)
    expect(() => x.add_(1)).toThrow(/in-place/)
    noGrad(() => x.add_(1))
    expect(x.toArray()).toEqual([2, 2])
    expect(x.mul(2).data()).toEqual(Float32Array.of(4, 4))
  })

  it('scopes and modes refuse promises and restore what was', () => {
    expect(() => scope(async () => ones([1]))).toThrow(/synchronous/)
    expect(() => noGrad(async () => ones([1]))).toThrow(/synchronous/)
    expect(() =>
      noGrad(() => {
        throw new Error('stop')
      }),
    ).toThrow('stop')
    expect(new nn.Linear(1, 1).forward(ones([1])).requiresGrad).toBe(true)
  })

  it('item() of several elements is an error', () => {
    expect(() => ones([2]).item()).toThrow()
    expect(() => zeros([0]).item()).toThrow()
    expect(ones([1, 1]).item()).toBe(1)
  })
})

it('a process that ends with tensors, arrays and graphs alive ends well', () => {
  const script = `
    import { createRequire } from 'node:module'
    const native = createRequire(import.meta.url)(${JSON.stringify(fileURLToPath(new URL('../build/septum_torch.node', import.meta.url)))})
    const ones = native.resolve('aten::ones')
    native.buffer.set([6, 2, 3, 4])
    native.call(ones, 1)
    const handle = native.buffer[1]
    native.setRequiresGrad(handle, true)
    globalThis.kept = [handle]
    process.stdout.write('alive')
  `
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  expect(out).toBe('alive')
})

describe('toTypedArray', () => {
  it('copies in row-major order, whatever the strides and the dtype', () => {
    const t = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ])
    const copy = t.transpose(0, 1).toTypedArray()
    expect(copy).toEqual(Float32Array.of(1, 4, 2, 5, 3, 6))
    copy[0] = 9
    expect(t.toArray()).toEqual([1, 2, 3, 4, 5, 6])
    expect(tensor([1, 0], { dtype: 'bool' }).toTypedArray()).toEqual(Uint8Array.of(1, 0))
    expect(tensor([7], { dtype: 'int64' }).toTypedArray()).toEqual(BigInt64Array.of(7n))
  })
})
