import { defaultMetricOptions, metricCatalogue } from '@septum/core'
import { describe, expect, it } from 'vitest'
import { ScoreCollector } from '../collect.js'
import { scoreInMemory } from '../in-memory.js'
import type { Evaluation } from '../types.js'
import { caseCsv, comparisonCsv, summaryCsv } from './csv.js'
import { evaluationJson } from './json.js'
import { escapeLatex, latexTables } from './latex.js'
import { markdownTables } from './markdown.js'
import { formatNumber, formatP } from './numbers.js'
import { footnotes } from './tables.js'

/** Two methods and two cases of four pixels: Dice 1 and 1/2 against 2/3 and 0. */
function evaluation(): Evaluation {
  const metrics = ['dice', 'hd95', 'weightedF'].map((id) => metricCatalogue.get(id)!)
  const collector = new ScoreCollector()
  const add = (method: string, name: string, marks: number[], raters: number[]) =>
    collector.add(
      scoreInMemory(
        {
          name,
          patient: name,
          width: 4,
          height: 1,
          classes: [
            {
              name: 'left_lung',
              probability: Float32Array.from(marks),
              samples: [Uint8Array.from(marks)],
              raters: [Uint8Array.from(raters)],
            },
          ],
        },
        method,
        metrics.map(({ id }) => id),
        defaultMetricOptions,
      ),
    )
  add('ours_50%', 'a,1', [1, 1, 0, 0], [1, 1, 0, 0])
  add('ours_50%', 'b', [1, 0, 0, 0], [1, 1, 1, 0])
  add('other', 'b', [0, 0, 0, 0], [1, 1, 1, 0])
  add('other', 'a,1', [1, 0, 0, 0], [1, 1, 0, 0])
  return collector.finish({
    title: 'test',
    dataset: { name: 'data', citation: [] },
    methods: ['ours_50%', 'other'],
    classes: ['left_lung'],
    metrics,
    seed: 0,
    seconds: 1,
  })
}
const result = evaluation()

it('CSV quotes, leaves undefined cells empty and keeps the order of cases and methods', () => {
  const lines = caseCsv(result).split('\r\n')
  expect(lines[0]).toBe('case,patient,method,class,empty,dice,hd95,weightedF')
  expect(lines[1]).toMatch(/^"a,1","a,1",ours_50%,left_lung,none,1,0,/)
  expect(lines[4]).toMatch(/^b,b,other,left_lung,prediction,0,,/)
  expect(lines).toHaveLength(6)
  const [head, ours] = summaryCsv(result).split('\r\n')
  expect(head!.split(',')).toHaveLength(ours!.split(',').length)
  expect(ours).toMatch(/^ours_50%,,dice,0.75,0.5,1,/)
  expect(comparisonCsv(result).split('\r\n')[1]).toMatch(/^dice,,ours_50%,other,2,/)
})

it('JSON holds null for what is undefined, and nothing that JSON lacks', () => {
  const parsed = JSON.parse(evaluationJson(result))
  const bad = parsed.perCase.find(
    (one: { case: string; method: string }) => one.case === 'b' && one.method === 'other',
  )
  expect(bad.values.hd95).toBeNull()
  expect(
    parsed.rows.find(
      (row: { method: string; metric: string }) => row.method === 'other' && row.metric === 'hd95',
    ),
  ).toMatchObject({
    cases: 1,
    undefinedCases: 1,
    interval: null,
    empty: { prediction: 1, reference: 0, both: 0 },
  })
})

it('Markdown marks the best mean and escapes', () => {
  const text = markdownTables(result)
  expect(text).toContain('| method | Dice ↑ | HD95 (px) ↓ | Fᵦʷ ↑ |')
  expect(text).toContain('| ours\\_50% | **0.750** (0.500 to 1.000) |')
  // One difference of 1/3 and one of 1/2, both in favour: p = 2 / 2^2.
  expect(text).toMatch(/\| Dice \| ours\\_50% \| other \| 0.417 .* \| 2 \/ 0 \/ 0 \| 1\.000 \|/)
})

it('LaTeX has best and second, formulas and no bare special sign', () => {
  const text = latexTables(result)
  expect(text).toContain(
    'Method & Dice $\\uparrow$ & HD95 (px) $\\downarrow$ & F$_{\\beta}^{w}$ $\\uparrow$ \\\\',
  )
  expect(text).toMatch(/ours\\_50\\% & \\textbf\{0\.750\}/)
  expect(text).toMatch(/other & \\underline\{0\.333\}/)
  expect(escapeLatex('a_b & 5% #1 {x} ~^\\')).toBe(
    'a\\_b \\& 5\\% \\#1 \\{x\\} \\textasciitilde{}\\textasciicircum{}\\textbackslash{}',
  )
})

it('footnotes count empty masks and missing values', () => {
  const notes = footnotes(result)
  expect(notes[0]).toBe('Cases with an empty mask: other 1 in the prediction only.')
  expect(notes).toContain('HD95 has no value in some cases, which its mean leaves out: other 1.')
  expect(notes.some((text) => text.startsWith('Empty masks in Dice: '))).toBe(true)
})

describe('numbers', () => {
  it.each([
    [0.12345, '0.123'],
    [12.345, '12.35'],
    [123.45, '123.5'],
    [-0.0001, '0.000'],
    [-1.5, '-1.500'],
    [Number.NaN, '–'],
    [Infinity, '∞'],
  ])('%d is %s', (value, text) => expect(formatNumber(value)).toBe(text))

  it('p-values', () => {
    expect([0.5, 0.0004, Number.NaN].map(formatP)).toEqual(['0.500', '< 0.001', '–'])
  })
})
