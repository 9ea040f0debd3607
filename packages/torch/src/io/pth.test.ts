import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { PthKey, PthValue } from './pickle-value.js'
import { openPth } from './pth.js'
import { PthTensor } from './pth-tensor.js'
import { digest, errorOf, expectedOf, fileOf, fixture } from './testing.js'

/** The form in which `make_fixtures.py` writes what it has saved. */
function described(value: PthValue): unknown {
  if (value instanceof PthTensor) {
    const { dtype, shape, strides, storageOffset } = value
    return { $tensor: { dtype, shape, strides, offset: storageOffset, bytes: digest(value.read()) } }
  }
  if (value instanceof Map) {
    return {
      $map: [...(value as ReadonlyMap<PthKey, PthValue>)].map(([key, item]) => [key, described(item)]),
    }
  }
  return Array.isArray(value) ? value.map(described) : value
}

function tensorsOf(name: string): Map<string, PthTensor> {
  return openPth(fixture(name)).root as Map<string, PthTensor>
}

describe('openPth', () => {
  it.each([
    ['dtypes.pth', 'dtypes.json'],
    ['views.pth', 'views.json'],
    ['plain.pth', 'plain.json'],
    ['state-dict.pth', 'state-dict.json'],
    ['training.pth', 'training.json'],
    ['legacy.pth', 'legacy.json'],
    ['compressed.pth', 'views.json'],
    ['little-endian.pth', 'dtypes.json'],
  ])('reads %s as PyTorch does', (name, expected) => {
    const file = openPth(fixture(name))
    expect(described(file.root)).toEqual(expectedOf(expected))
    file.close()
  })

  it('knows which tensors share their memory and which are parameters', () => {
    const views = tensorsOf('views.pth')
    expect(views.get('middle')!.storageKey).toBe(views.get('whole')!.storageKey)
    expect(views.get('scalar')!.storageKey).not.toBe(views.get('whole')!.storageKey)
    expect(tensorsOf('plain.pth').get('parameter')!.isParameter).toBe(true)
    expect(views.get('whole')!.isParameter).toBe(false)
  })

  it('hands out memory of its own at each read, and none after close', () => {
    const file = openPth(fixture('views.pth'))
    const tensor = (file.root as Map<string, PthTensor>).get('middle')!
    expect(tensor.read().byteOffset).toBe(0)
    tensor.read().fill(255)
    // 5.0f is 00 00 a0 40.
    expect(Buffer.from(tensor.read()).toString('hex', 0, 4)).toBe('0000a040')
    file.close()
    file.close()
    expect(errorOf(() => tensor.read()).code).toBe('file-closed')
  })

  it.each([
    ['malicious.pth', 'pth-refused', /wants to run "posix.system"; only tensors and plain containers/],
    ['malicious-legacy.pth', 'pth-refused', /"posix.system"/],
    ['whole-model.pth', 'pth-refused', /"torch.nn.modules.linear.Linear"/],
    ['protocol-4.pth', 'pth-pickle', /protocol 4/],
    ['torchscript.pt', 'pth-format', /TorchScript/],
    ['big-endian.pth', 'pth-big-endian', /big-endian/],
    ['missing-storage.pth', 'pth-storage', /storage "3" should have 12 bytes/],
    ['reference.safetensors', 'pth-format', /not a PyTorch file/],
    ['nowhere.pth', 'file-missing', /no such file/],
  ])('refuses %s: %s', (name, code, message) => {
    const error = errorOf(() => openPth(fixture(name)))
    expect(error).toMatchObject({ code, message, place: { file: fixture(name) } })
    expect(error.hint).not.toBe('')
  })

  it('has run nothing', () => {
    const marker = Buffer.from('touch septum-was-here')
    for (const name of ['malicious.pth', 'malicious-legacy.pth']) {
      expect(readFileSync(fixture(name)).includes(marker)).toBe(true)
      errorOf(() => openPth(fixture(name)))
    }
    expect(existsSync('septum-was-here')).toBe(false)
  })

  it('notices a changed byte of a storage when it is read', () => {
    const bytes = readFileSync(fixture('views.pth'))
    // 21.0f and 22.0f: two neighbours of the float storage.
    const at = bytes.indexOf(Buffer.from('0000a8410000b041', 'hex'))
    expect(at).toBeGreaterThan(0)
    bytes[at] = 1
    const file = openPth(fileOf(bytes, 'pth'))
    const views = file.root as Map<string, PthTensor>
    for (const name of ['whole', 'middle', 'column']) {
      expect(errorOf(() => views.get(name)!.read()).code, name).toBe('zip-crc')
    }
    expect(views.get('scalar')!.read().length).toBe(2)
    file.close()
  })

  it('refuses files that are cut short', () => {
    for (const name of ['dtypes.pth', 'legacy.pth']) {
      const bytes = readFileSync(fixture(name))
      for (let length = 0; length < bytes.length; length += 7) {
        const { code } = errorOf(() => openPth(fileOf(bytes.subarray(0, length), 'pth')))
        expect(code, `${length} bytes of ${name}`).toMatch(/^(pth-(format|pickle|storage)|zip-directory)$/)
      }
    }
  })
})
