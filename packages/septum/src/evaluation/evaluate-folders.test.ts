import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SeptumError, silentReporter } from '@septum/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writePng } from '../formats/write.js'
import { parseClasses } from './classes.js'
import { evaluateFolders } from './evaluate-folders.js'
import { writeArray } from './testing.js'
import type { EvaluateFoldersRequest } from './types.js'

let folder: string
let warnings: string[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'septum-evaluate-'))
  warnings = []
})
afterEach(() => rmSync(folder, { recursive: true }))

const at = (...names: string[]) => join(folder, ...names)

/** A PNG of one character a pixel: digits are values, `#` is 255. */
async function mask(path: string, ...rows: string[]): Promise<void> {
  mkdirSync(join(at(path), '..'), { recursive: true })
  const data = Uint8Array.from(rows.join(''), (sign) => (sign === '#' ? 255 : Number(sign)))
  await writePng(at(path), { data, shape: [1, rows.length, rows[0]!.length] })
}

async function evaluate(more: Partial<EvaluateFoldersRequest> = {}) {
  const reporter = { ...silentReporter, warn: (text: string) => warnings.push(text) }
  const { evaluation } = await evaluateFolders({
    methods: [{ name: 'pred', folder: at('pred') }],
    references: at('ref'),
    metrics: ['dice', 'iou'],
    reporter,
    signal: new AbortController().signal,
    ...more,
  })
  return evaluation
}

const mean = (
  result: Awaited<ReturnType<typeof evaluate>>,
  metric: string,
  name: string | null = null,
  method = 'pred',
) => result.rows.find((row) => row.metric === metric && row.class === name && row.method === method)!

describe('pairs', () => {
  it('files by case name, 0/1 against 0/255', async () => {
    await mask('pred/a.png', '0110', '0000')
    await mask('ref/a.png', '0##0', '0000')
    // Dice 2 x 1 / (1 + 3) = 1/2, IoU 1/3.
    await mask('pred/b.png', '1000', '0000')
    await mask('ref/b.png', '###0', '0000')
    const result = await evaluate()
    expect(result).toMatchObject({ cases: 2, classes: ['foreground'], samples: 1, raters: 1, problems: [] })
    expect(mean(result, 'dice').mean).toBeCloseTo((1 + 1 / 2) / 2, 12)
    expect(mean(result, 'iou').mean).toBeCloseTo((1 + 1 / 3) / 2, 12)
    expect(result.perCase.map(({ case: name, values }) => [name, values.iou])).toEqual([
      ['a', 1],
      ['b', expect.closeTo(1 / 3, 12)],
    ])
    expect(warnings).toEqual([])
  })

  it('across formats', async () => {
    mkdirSync(at('pred'), { recursive: true })
    writeArray(at('pred/a.npy'), Float32Array.from([0, 0.4, 0.6, 1, 0, 0, 0, 0]), [1, 2, 4])
    await mask('ref/a.png', '00##', '0000')
    // Above one half: the last two of the first row.
    expect(mean(await evaluate(), 'dice').mean).toBe(1)
  })

  it('what has no partner is said and left out', async () => {
    await mask('pred/a.png', '01')
    await mask('pred/z.png', '01')
    await mask('ref/a.png', '01')
    await mask('ref/b.png', '01')
    const result = await evaluate()
    expect(result.unpaired).toEqual([{ method: 'pred', withoutPrediction: ['b'], withoutReference: ['z'] }])
    expect(warnings).toEqual(
      [
        '1 reference has no prediction and left out: b.',
        '1 prediction has no reference and left out: z.',
      ].map((text) => text.replace('and left', 'and is left')),
    )
  })
})

describe('classes', () => {
  beforeEach(async () => {
    await mask('pred/a.png', '1122', '1130')
    await mask('ref/a.png', '1112', '1130')
  })

  it('are the values of the references, and their mean', async () => {
    const result = await evaluate()
    expect(result.classes).toEqual(['label 1', 'label 2', 'label 3'])
    // Label 1: 4 of 4 against 5: 8/9. Label 2: 1 of 2 against 1: 2/3. Label 3: 1.
    expect(mean(result, 'dice', 'label 1').mean).toBeCloseTo(8 / 9, 12)
    expect(mean(result, 'dice', 'label 2').mean).toBeCloseTo(2 / 3, 12)
    expect(mean(result, 'dice').mean).toBeCloseTo((8 / 9 + 2 / 3 + 1) / 3, 12)
  })

  it('are named, and regions are unions', async () => {
    const classes = parseClasses('whole=1+2+3, core = 2+3')
    const result = await evaluate({ classes })
    expect(result.classes).toEqual(['whole', 'core'])
    expect(mean(result, 'dice', 'whole').mean).toBe(1)
    // Core: {2,2,3} against {2,3}: 2 x 2 / 5.
    expect(mean(result, 'dice', 'core').mean).toBeCloseTo(4 / 5, 12)
  })

  it('come of the dataset.json of nnU-Net', async () => {
    writeFileSync(at('dataset.json'), JSON.stringify({ labels: { background: 0, all: [1, 2, 3], last: 3 } }))
    expect((await evaluate()).classes).toEqual(['all', 'last'])
  })

  it.each([
    ['liver', 'names no class'],
    ['a=0', 'background'],
    ['a=1,a=2', 'called a'],
    ['a=x', 'names no class'],
  ])('--classes %s is refused', (text, why) => {
    expect(() => parseClasses(text)).toThrow(why)
  })
})

describe('several', () => {
  it('raters and hypotheses: GED of the fact sheet', async () => {
    // One rater marks A, three nothing; the model marks nothing: GED 0.125 (multi-annotator-protocols, 6.3).
    for (const rater of ['r1', 'r2', 'r3', 'r4'])
      await mask(`ref/a/${rater}.png`, rater === 'r1' ? '#0' : '00')
    for (const sample of ['001', '002']) await mask(`pred/a/${sample}.png`, '00')
    await mask('pred/b/001.png', '00')
    await mask('ref/b/r1.png', '00')
    const result = await evaluate({ metrics: ['ged', 'hmIou'] })
    expect(result).toMatchObject({ samples: 2, raters: 4, cases: 2 })
    expect(result.perCase.find((one) => one.case === 'a')!.values).toEqual({
      ged: expect.closeTo(0.125, 12),
      hmIou: expect.closeTo(0.75, 12),
    })
  })

  it('raters as folders of cases', async () => {
    for (const rater of ['anna', 'bert'])
      for (const name of ['a', 'b']) await mask(`ref/${rater}/${name}.png`, '#0')
    for (const name of ['a', 'b']) await mask(`pred/${name}.png`, '#0')
    expect(await evaluate({ metrics: [] })).toMatchObject({ cases: 2, raters: 2 })
  })

  it('methods: tests by hand, ranks, one Holm family', async () => {
    for (let i = 0; i < 6; i++) {
      await mask(`ref/c${i}.png`, '1111110000')
      await mask(`pred/c${i}.png`, '1111110000')
      await mask(`poor/c${i}.png`, `${'1'.repeat(i)}${'0'.repeat(10 - i)}`)
    }
    const methods = ['pred', 'poor'].map((name) => ({ name, folder: at(name) }))
    const result = await evaluate({ methods })
    // Six differences of one sign: p = 2 / 2^6, and two metrics of one pair: doubled.
    expect(result.comparisons).toMatchObject([
      { metric: 'dice', a: 'pred', b: 'poor', better: 6, worse: 0, equal: 0, p: 2 / 64, pHolm: 4 / 64 },
      { metric: 'iou', p: 2 / 64, pHolm: 4 / 64 },
    ])
    expect(result.rankings[0]).toMatchObject({
      metric: 'dice',
      ranks: [1, 2],
      shares: [
        [1, 0],
        [0, 1],
      ],
      stability: 1,
    })
  })
})

describe('empty masks', () => {
  it('are counted by side, and a distance without a value is no zero', async () => {
    await mask('pred/both.png', '000')
    await mask('ref/both.png', '000')
    await mask('pred/missed.png', '000')
    await mask('ref/missed.png', '##0')
    await mask('pred/invented.png', '0#0')
    await mask('ref/invented.png', '000')
    await mask('pred/right.png', '##0')
    await mask('ref/right.png', '##0')
    const result = await evaluate({ metrics: ['dice', 'hd95'] })
    expect(mean(result, 'dice')).toMatchObject({
      cases: 4,
      mean: 0.5,
      empty: { both: 1, prediction: 1, reference: 1 },
    })
    expect(mean(result, 'hd95')).toMatchObject({ cases: 2, undefinedCases: 2, mean: 0 })
  })

  it('a class that nobody marks is said', async () => {
    await mask('pred/a.png', '100')
    await mask('ref/a.png', '110')
    const result = await evaluate({ classes: parseClasses('one=1,two=2') })
    expect(result.absent).toEqual([
      { class: 'two', method: null },
      { class: 'two', method: 'pred' },
    ])
    expect(warnings[0]).toMatch(/No reference marks the class two anywhere/)
  })
})

describe('a bad case costs a sentence and not the others', () => {
  beforeEach(async () => {
    await mask('pred/good.png', '0#')
    await mask('ref/good.png', '01')
    await mask('ref/bad.png', '01')
  })

  it.each<[string, () => Promise<void> | void, Partial<EvaluateFoldersRequest>, string]>([
    ['another size', () => mask('pred/bad.png', '010'), {}, 'grid-size'],
    [
      'a damaged file',
      () => writeFileSync(at('pred/bad.png'), Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0])),
      {},
      'picture-broken',
    ],
    [
      'an unknown label',
      () => mask('pred/bad.png', '07'),
      { classes: parseClasses('a=1,b=255') },
      'label-unknown',
    ],
    [
      'NaN',
      () => writeArray(at('pred/bad.npy'), Float32Array.of(0, Number.NaN), [1, 1, 2]),
      { kind: 'probabilities' },
      'mask-not-finite',
    ],
    [
      'logits',
      () => writeArray(at('pred/bad.npy'), Float32Array.of(-3, 7), [1, 1, 2]),
      { kind: 'probabilities' },
      'probability-range',
    ],
    [
      'fractions as labels',
      () => writeArray(at('pred/bad.npy'), Float32Array.of(0.25, 1), [1, 1, 2]),
      { kind: 'labels' },
      'mask-fractions',
    ],
    [
      'colours',
      () => writePng(at('pred/bad.png'), { data: Uint8Array.of(1, 2, 3, 4, 5, 6), shape: [3, 1, 2] }),
      {},
      'mask-colour',
    ],
    [
      'two files',
      async () => {
        await mask('pred/bad.png', '01')
        await mask('pred/bad.jpg', '01')
      },
      {},
      'predictions-twice',
    ],
  ])('%s', async (_, make, request, code) => {
    await make()
    const result = await evaluate(request)
    expect(result.problems).toMatchObject([{ case: 'bad', method: 'pred', code }])
    expect(result.cases).toBe(1)
    expect(warnings.filter((text) => text.startsWith('case '))).toEqual([
      expect.stringMatching(/^case bad: .*\. .*\.$/),
    ])
  })

  it('many of them, of which five are told', async () => {
    for (let i = 0; i < 8; i++) {
      await mask(`ref/bad${i}.png`, '01')
      writeFileSync(at(`pred/bad${i}.png`), 'no picture')
    }
    expect((await evaluate()).problems).toHaveLength(8)
    expect(warnings.filter((text) => text.startsWith('case bad'))).toHaveLength(5)
    expect(warnings).toContain('3 more cases could not be scored.')
  })

  it('a damaged reference', async () => {
    await mask('pred/bad.png', '01')
    writeFileSync(at('ref/bad.png'), 'no picture')
    expect((await evaluate()).problems).toMatchObject([{ case: 'bad', method: null, code: 'picture-format' }])
  })

  it('--resample brings another size over: nearest for labels', async () => {
    await mask('pred/bad.png', '0011')
    expect(mean(await evaluate({ resample: true }), 'dice')).toMatchObject({ cases: 2, mean: 1 })
  })
})

describe('what cannot be evaluated at all is an error', () => {
  const code = (request?: Partial<EvaluateFoldersRequest>) =>
    evaluate(request).catch((error: unknown) => {
      if (!(error instanceof SeptumError)) throw error
      return error.code
    })

  it.each([
    [async () => mask('ref/a.png', '01'), {}, 'predictions-missing'],
    [
      async () => {
        await mask('ref/a.png', '01')
        mkdirSync(at('pred'))
      },
      {},
      'predictions-empty',
    ],
    [
      async () => {
        await mask('ref/a.png', '01')
        await mask('pred/b.png', '01')
      },
      {},
      'predictions-unpaired',
    ],
    [
      async () => {
        mkdirSync(at('ref'))
        await mask('pred/b.png', '01')
      },
      {},
      'references-empty',
    ],
    [
      async () => {
        await mask('ref/a.png', '01')
        await mask('pred/a.png', '011')
      },
      {},
      'evaluate-none',
    ],
    [
      async () => {
        await mask('ref/a.png', '01')
        await mask('pred/a.png', '01')
      },
      { metrics: ['dicee'] },
      'metric-unknown',
    ],
    [
      async () => {
        await mask('ref/a.png', '01')
        await mask('pred/a.png', '01')
      },
      { split: 'test' as const },
      'usage-split',
    ],
  ])('%#', async (make, request, expected) => {
    await make()
    expect(await code(request)).toBe(expected)
  })
})
