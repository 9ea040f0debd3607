import { describe, expect, it } from 'vitest'
import { padToMultiple } from './input.js'
import { mapsOfLogits } from './mask-maps.js'
import { openBundle } from './open.js'
import { parseManifest } from './parse.js'
import { maskManifest, mirrorRuntime } from './testing.js'

// SHA-256 of the three bytes "abc": FIPS 180-2, appendix B.1.
const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
const graph = new TextEncoder().encode('abc')

type Changes = Record<string, unknown>

/** The manifest with values put at paths such as `size.trained`. */
function manifestWith(changes: Changes): string {
  const manifest = structuredClone(maskManifest(abc, 3)) as unknown as Record<string, unknown>
  for (const [path, value] of Object.entries(changes)) {
    const keys = path.split('.')
    const last = keys.pop()!
    const owner = keys.reduce((o, key) => o[key] as Record<string, unknown>, manifest)
    owner[last] = value
  }
  return JSON.stringify(manifest)
}

const files = (changes: Changes = {}, bytes = graph) => ({
  async read(file: string) {
    if (file === 'model.json') return new TextEncoder().encode(manifestWith(changes))
    if (file === 'model.onnx') return bytes
    throw new Error('no such file')
  },
})

describe('parseManifest', () => {
  it('takes what the exporter writes, and leaves unknown fields alone', () => {
    expect(parseManifest(manifestWith({ newField: 1 }))).toMatchObject({ channels: 1, newField: 1 })
  })

  it.each<[string, unknown, string]>([
    ['format', 'zip', 'format is no bundle of Septum'],
    ['version', 0, 'version is no whole number of 1 or more'],
    ['dimensions', 4, 'dimensions is no 2 or 3'],
    ['classes', [], 'classes is no list of one class or more'],
    ['classes.1.label', 7, 'classes[1].label is no label 2'],
    ['classes.0.colour', 'green', 'classes[0].colour is no colour as #rrggbb'],
    ['classes.0.name', undefined, 'classes[0].name is missing'],
    ['channels', 1.5, 'channels is no whole number of 1 or more'],
    ['size.trained', [4, 4, 4], 'size.trained is no list of 2 sides'],
    ['size.fixed', 'no', 'size.fixed is no true or false'],
    ['preprocessing.channels', [{ kind: 'magic' }], 'preprocessing.channels[0].kind is no'],
    ['preprocessing.spacingMm', [1, -1], 'preprocessing.spacingMm[1] is no positive number'],
    ['model.kind', 'oracle', 'model.kind is no mask or next-scale'],
    ['model.output', 'argmax', 'model.output is no sigmoid or softmax'],
    ['model.graphs.model.file', '../../etc/passwd', 'model.graphs.model.file is no name of a file'],
    ['model.graphs.model.file', 'other.onnx', 'model.graphs.model.file is no file of the list files'],
    ['model.graphs.model.inputs', 'images', 'model.graphs.model.inputs is no list'],
    ['files', [{ file: 'model.onnx', bytes: 3, sha256: 'abc' }], 'files[0].sha256 is no SHA-256'],
    ['files', [{ file: '.hidden', bytes: 3, sha256: abc }], 'files[0].file is no name of a file'],
    ['training.fingerprint', 'abc', 'training.fingerprint is no SHA-256'],
    ['training.raters', 0, 'training.raters is no whole number of 1'],
    ['training.cases', { train: 1, val: 2 }, 'training.cases.test is missing'],
    ['metrics', { dice: 'good' }, 'metrics.dice is no number'],
    ['classes.0.type', { value: '1' }, 'classes[0].type.scheme is missing'],
    ['preprocessing.crops', 'left', 'preprocessing.crops is no centre or anywhere'],
    ['precision', { kind: 'int4' }, 'precision.kind is no fp16 or int8'],
    ['verification', null, 'verification is no object'],
  ])('refuses %s = %j', (path, value, message) => {
    expect(() => parseManifest(manifestWith({ [path]: value }))).toThrow(
      expect.objectContaining({ code: 'bundle-manifest', message: expect.stringContaining(message) }),
    )
  })

  it('takes regions with labels of the data set and the order in which they are painted', () => {
    const regions = {
      'classes.0.label': 2,
      'classes.0.region': [1, 2],
      'classes.1.label': 1,
      'classes.1.region': [1],
    }
    const parsed = parseManifest(manifestWith({ ...regions, paintOrder: [0, 1] }))
    expect(parsed.classes.map(({ label, region }) => [label, region])).toEqual([
      [2, [1, 2]],
      [1, [1]],
    ])
    for (const [changes, message] of [
      [{ paintOrder: [0, 0] }, 'paintOrder is no list of every class once'],
      [{ paintOrder: [0] }, 'paintOrder is no list of every class once'],
      [{ paintOrder: [0, 1], 'classes.0.label': 3 }, 'classes[0].region is no list of labels with 3'],
      [{ paintOrder: [0, 1], 'classes.0.label': 256 }, 'classes[0].label is no label up to 255'],
      [{ paintOrder: [0, 1], 'classes.1.region': undefined }, 'classes[1].region is missing'],
      [{}, 'classes[0].label is no label 1'],
    ] as const) {
      expect(() => parseManifest(manifestWith({ ...regions, ...changes })), message).toThrow(
        expect.objectContaining({ code: 'bundle-manifest', message: expect.stringContaining(message) }),
      )
    }
  })

  it('refuses what is no JSON, and what a newer Septum wrote', () => {
    expect(() => parseManifest('{')).toThrow(expect.objectContaining({ code: 'bundle-manifest' }))
    expect(() => parseManifest('[]')).toThrow(expect.objectContaining({ code: 'bundle-manifest' }))
    expect(() => parseManifest(manifestWith({ version: 2 }))).toThrow(
      expect.objectContaining({ code: 'bundle-version' }),
    )
  })
})

describe('openBundle', () => {
  it('compares length and hash of every file', async () => {
    const other = new TextEncoder().encode('abd')
    await expect(openBundle(files({}, other), mirrorRuntime())).rejects.toMatchObject({ code: 'bundle-hash' })
    const long = new TextEncoder().encode('abcd')
    await expect(openBundle(files({}, long), mirrorRuntime(), { verify: false })).rejects.toMatchObject({
      code: 'bundle-hash',
    })
    await expect(openBundle(files({}, other), mirrorRuntime(), { verify: false })).resolves.toBeDefined()
  })

  it('says what it read', async () => {
    const steps: number[][] = []
    await openBundle(files(), mirrorRuntime(), { onProgress: (...step) => steps.push(step) })
    expect(steps).toEqual([[3, 3]])
  })

  it('refuses a graph that the runtime does not take, and one of other tensors', async () => {
    const refusing = { ...mirrorRuntime(), create: () => Promise.reject(new Error('opset 99\nmore')) }
    await expect(openBundle(files(), refusing)).rejects.toMatchObject({
      code: 'bundle-graph',
      message: 'ONNX Runtime refuses the graph: opset 99',
    })
    const renamed = files({ 'model.graphs.model.inputs': [{ name: 'x', type: 'float32', shape: [] }] })
    await expect(openBundle(renamed, mirrorRuntime())).rejects.toMatchObject({ code: 'bundle-graph' })
  })

  it('stops when it is told to', async () => {
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(openBundle(files(), mirrorRuntime(), { signal })).rejects.toThrow('enough')
  })
})

describe('a bundle of one mask', () => {
  it('pads to the multiple and cuts back', async () => {
    const seen: number[][] = []
    const model = await openBundle(files(), mirrorRuntime(seen))
    const image = Float32Array.from({ length: 15 }, (_, i) => i - 7)
    const { probabilities, samples, uncertainty } = await model.predict(image, [3, 5])
    expect(seen).toEqual([[1, 1, 4, 8]])
    expect(probabilities.shape).toEqual([2, 3, 5])
    expect(samples.shape).toEqual([1, 2, 3, 5])
    image.forEach((x, i) => {
      const p = 1 / (1 + Math.exp(-x))
      expect(probabilities.data[i]).toBeCloseTo(p, 6)
      expect(probabilities.data[15 + i]).toBeCloseTo(1 - p, 6)
      expect(uncertainty.data[i]).toBeCloseTo(4 * p * (1 - p), 6)
      expect(samples.data[i]).toBe(x > 0 ? 1 : 0)
      expect(samples.data[15 + i]).toBe(x < 0 ? 1 : 0)
    })
  })

  it('gives logits of several images', async () => {
    const model = await openBundle(files(), mirrorRuntime())
    const images = Float32Array.from({ length: 12 }, (_, i) => i)
    const logits = await model.logits!(images, [2, 1, 2, 3])
    expect([...logits]).toEqual([
      0, 1, 2, 3, 4, 5, -0, -1, -2, -3, -4, -5, 6, 7, 8, 9, 10, 11, -6, -7, -8, -9, -10, -11,
    ])
  })

  it('takes one size only where the graph does', async () => {
    const model = await openBundle(files({ 'size.fixed': true }), mirrorRuntime())
    await expect(model.predict(new Float32Array(20), [4, 5])).rejects.toMatchObject({
      code: 'bundle-input',
      message: 'The image is 4 x 5, the model takes 4 x 4 only',
    })
    await expect(model.predict(new Float32Array(16), [4, 4])).resolves.toBeDefined()
  })
})

it('pads volumes at the far ends', () => {
  // [1, 2, 3] to multiples of 2: one slice of zeros, a column of zeros.
  const { data, size } = padToMultiple(Float32Array.of(1, 2, 3, 4, 5, 6), 1, [1, 2, 3], 2)
  expect(size).toEqual([2, 2, 4])
  expect([...data]).toEqual([1, 2, 3, 0, 4, 5, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0])
})

it('lets the largest logit win with a soft-max', () => {
  // Background, a, b of three pixels; e^ln3 : e^0 : e^0 = 3 : 1 : 1.
  const ln3 = Math.log(3)
  const logits = Float32Array.of(ln3, 0, 0, 0, ln3, 0, 0, 0, ln3)
  const { probabilities, masks } = mapsOfLogits(logits, 3, 'softmax')
  const expected = [0.2, 0.6, 0.2, 0.2, 0.2, 0.6]
  for (const [i, p] of probabilities.entries()) expect(p).toBeCloseTo(expected[i]!, 6)
  expect([...masks]).toEqual([0, 1, 0, 0, 0, 1])
})
