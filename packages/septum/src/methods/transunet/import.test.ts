import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Reporter, silentReporter } from '@septum/core'
import { noGrad, setThreads, type Tensor, tensor } from '@septum/torch'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readFixture } from '../../blocks/testing.js'
import { readNpz } from '../../formats/numpy/index.js'
import { importTransunet, TransunetNetwork, transunetOptions } from './index.js'
import { loadPublished } from './published.js'

setThreads(1)

const file = fileURLToPath(new URL('fixtures/r50-vit-small.npz', import.meta.url))
/** Computed in NumPy from the arrays as they are, without PyTorch's names and axes. */
const wanted = readFixture<{ positions: number[]; encoded: number[] }>(
  'fixtures/r50-vit-small.json',
  import.meta.url,
)

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'septum-transunet-'))
  process.env.SEPTUM_WEIGHTS = folder
})
afterEach(() => {
  delete process.env.SEPTUM_WEIGHTS
  rmSync(folder, { recursive: true })
})

async function arrays(): Promise<Map<string, Tensor>> {
  const found = await readNpz(file)
  return new Map(
    Array.from(found, ([name, { data, shape }]) => [name, tensor(data as Float32Array, { shape })]),
  )
}

const sizes = { resnetWidth: 8, resnetUnits: [1, 2, 1], channels: 12, layers: 2, heads: 3, mlp: 20 }
const small = transunetOptions.parse({
  ...sizes,
  bridgeChannels: 8,
  decoderChannels: [8, 6, 4, 4],
  dropout: 0,
})

const close = (t: Tensor, numbers: readonly number[], tolerance: number) => {
  const got = Array.from(t.contiguous().toTypedArray(), Number)
  expect(got).toHaveLength(numbers.length)
  for (const [i, value] of got.entries()) expect(Math.abs(value - numbers[i]!)).toBeLessThan(tolerance)
}

describe("Google's archive", () => {
  it('is kept under our names, all of it but the classifier', async () => {
    const report = importTransunet(await arrays(), file)
    // 3 of the stem, 9 of each of four units, 3 of each of three shortcuts, 2 of the tokens, positions, 16 of each
    // layer, 2 of the last norm.
    expect(report.matched).toHaveLength(3 + 4 * 9 + 3 * 3 + 2 + 1 + 2 * 16 + 2)
    expect([report.unknown, report.unused.toSorted(), report.grid, report.options]).toEqual([
      [],
      ['cls', 'head/bias', 'head/kernel', 'pre_logits/bias', 'pre_logits/kernel'],
      [3, 3],
      sizes,
    ])
  })

  it('starts a network whose encoder computes what the archive means, on another grid of positions', async () => {
    importTransunet(await arrays(), file)
    const said: string[] = []
    const reporter: Reporter = { ...silentReporter, info: (text) => void said.push(text) }
    const network = new TransunetNetwork(3, 1, [64, 64], small).eval()
    network.initialise(reporter)
    expect(said).toEqual([expect.stringMatching(/starts from the weights in .*transunet\.safetensors/)])
    const { embeddings, encoder } = network.transformer
    close(embeddings.position_embeddings, wanted.positions, 1e-6)
    const image = tensor(
      Array.from({ length: 3 * 64 * 64 }, (_, i) => {
        const [c, y, x] = [Math.floor(i / 4096), Math.floor(i / 64) % 64, i % 64]
        return 0.5 + 0.5 * Math.sin(0.13 * y + 0.21 * x * (1 + c))
      }),
      { shape: [1, 3, 64, 64] },
    )
    noGrad(() => close(encoder.forward(embeddings.forward(image).tokens), wanted.encoded, 2e-4))
  })

  it('can be given to a network without being kept', async () => {
    const network = new TransunetNetwork(3, 1, [48, 48], small)
    const missing = loadPublished(network, [3, 3], await arrays())
    expect(missing.every((name) => /^(decoder|segmentation_head)\./.test(name))).toBe(true)
  })

  it('that is not whole is refused, and nothing is kept', async () => {
    const without = await arrays()
    without.delete('block2/unit2/gn3/scale')
    expect(() => importTransunet(without, file)).toThrow(/block2\.unit2\.gn3\.weight/)
    const other = await arrays()
    other.set('Transformer/encoderblock_1/MlpBlock_3/Dense_1/bias', tensor([1, 2, 3]))
    expect(() => importTransunet(other, file)).toThrow(/encoderblock_1.MlpBlock_3.Dense_1.bias \[3\]/)
    const plain = await arrays()
    plain.delete('conv_root/kernel')
    expect(() => importTransunet(plain, file)).toThrow('no vision transformer on a ResNet')
    const said: string[] = []
    new TransunetNetwork(3, 1, [48, 48], small).initialise({
      ...silentReporter,
      warn: (text) => void said.push(text),
    })
    expect(said[0]).toContain('R50+ViT-B_16.npz')
  })

  it('that has another size is not taken, and that is said', async () => {
    importTransunet(await arrays(), file)
    const said: string[] = []
    const wider = transunetOptions.parse({ ...small, channels: 24 })
    new TransunetNetwork(3, 1, [48, 48], wider).initialise({
      ...silentReporter,
      warn: (text) => void said.push(text),
    })
    expect(said).toEqual([expect.stringContaining('another size')])
  })
})
