import { createHash } from 'node:crypto'
import { defaultMetricOptions, resolveMetrics } from '@septum/core'
import { expect, it } from 'vitest'
import { ScoreCollector, scoreInMemory, worstCases } from '../../evaluation/index.js'
import { renderEvaluationPage } from './page.js'

const side = 16
const disc = (x: number, y: number, radius: number) =>
  Uint8Array.from({ length: side * side }, (_, i) =>
    (i % side) - x < radius && x - (i % side) < radius && Math.abs(Math.floor(i / side) - y) < radius ? 1 : 0,
  )

function evaluate(methods: readonly string[]) {
  const metrics = resolveMetrics(['dice', 'polyp'])
  const collector = new ScoreCollector()
  for (const [m, method] of methods.entries()) {
    for (let i = 0; i < 4; i++) {
      const mask = disc(6 + i + m, 7, 4)
      const one = {
        name: '<lesion>',
        probability: Float32Array.from(mask),
        samples: [mask],
        raters: [disc(6, 7, 4)],
      }
      const item = { name: `case <${i}>`, patient: `${i}`, width: side, height: side, classes: [one] }
      collector.add(
        scoreInMemory(
          item,
          method,
          metrics.map(({ id }) => id),
          defaultMetricOptions,
        ),
      )
    }
  }
  const dataset = { name: 'data & more', citation: ['A <paper>'] }
  return collector.finish({
    title: 'a <b>',
    dataset,
    methods,
    classes: ['<lesion>'],
    metrics,
    seed: 0,
    seconds: 1,
  })
}

const picture = {
  name: 'case <3>',
  width: side,
  height: side,
  image: new Uint8Array(side * side).fill(90),
  plane: null,
  reference: [disc(6, 7, 4)],
  methods: [{ name: 'one', masks: [disc(9, 7, 4)] }],
}

it('is one file: its script is allowed by its digest, nothing comes from elsewhere, text is escaped', async () => {
  const html = await renderEvaluationPage({ evaluation: evaluate(['one', 'two']), pictures: [picture] })
  const script = /<script>([\s\S]*)<\/script>/.exec(html)![1]!
  expect(html).toContain(`sha256-${createHash('sha256').update(script).digest('base64')}&#39;`)
  expect(html).not.toMatch(/(src|href)="(?!data:|#)/)
  expect(html).not.toMatch(/<(lesion|b|paper|\d)>/)
  expect(html.replace(script, '')).not.toContain('NaN')
  for (const heading of [
    'Results',
    'Do the methods differ?',
    'The worst case',
    'Over all thresholds',
    'All cases',
  ])
    expect(html).toContain(`<h2>${heading}</h2>`)
  // A row for each of 4 cases and 2 methods.
  expect(html.match(/<tr><th scope="row">case/g)).toHaveLength(8)
})

it('of one method has no comparison, and names the worst cases first', async () => {
  const evaluation = evaluate(['one'])
  expect(worstCases(evaluation, 2)).toEqual(['case <3>', 'case <2>'])
  const html = await renderEvaluationPage({ evaluation, pictures: [] })
  expect(html).not.toContain('Do the methods differ?')
})
