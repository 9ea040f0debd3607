import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { comparison } from '../../comparison/testing.js'
import { renderComparisonPage } from './page.js'

const side = 16
const square = (from: number) =>
  Uint8Array.from({ length: side * side }, (_, i) => (i % side >= from && i % side < from + 6 ? 1 : 0))
const picture = {
  name: 'a',
  width: side,
  height: side,
  image: new Uint8Array(side * side).fill(90),
  plane: null,
  reference: [square(4)],
  methods: [{ name: 'unet', masks: [square(7)] }],
}

it('is one file with every part, its script allowed by its digest, text escaped, no NaN', async () => {
  const base = comparison()
  const rename = (name: string) => name.replace('other', 'a <i>')
  const renamed = {
    ...base,
    methods: base.methods.map((one) => ({ ...one, name: rename(one.name) })),
    runs: base.runs.map((one) => ({ ...one, entry: rename(one.entry) })),
  }
  const html = await renderComparisonPage({ comparison: renamed, pictures: [picture] })
  const script = /<script>([\s\S]*)<\/script>/.exec(html)![1]!
  expect(html).toContain(`sha256-${createHash('sha256').update(script).digest('base64')}&#39;`)
  expect(html).not.toMatch(/(src|href)="(?!data:|#)/)
  expect(html).not.toContain('<i>')
  expect(html.replace(script, '')).not.toContain('NaN')
  const headings = [...html.matchAll(/<h2>(.*?)<\/h2>/g)].map(([, text]) => text)
  expect(headings).toEqual([
    'Results',
    'What failed',
    'Value against cost',
    'Every run',
    'Do the methods differ?',
    'Spread over the cases',
    'The worst case',
    'Settings',
    'All cases',
    'What the numbers mean',
  ])
  // Mean 0.625, standard deviation 0.171: by hand in comparison.test.ts.
  expect(html).toMatch(/<th scope="row">unet<\/th><td>0\.625<small>± 0\.171<\/small><\/td>/)
  expect(html).toMatch(/class="published"><th scope="row">U-Net, published<\/th><td>0\.821<\/td>/)
  // A dot for each of five runs in each of two metrics.
  expect(html.match(/fold-\d-seed-\d: 0\./g)).toHaveLength(2 * 5)
})

it('of a comparison in which nothing has finished says what failed', async () => {
  const base = comparison()
  const none = {
    ...base,
    runs: [],
    metrics: [],
    evaluation: null,
    methods: base.methods.map((one) => ({ ...one, finished: 0, statistics: [] })),
  }
  const html = await renderComparisonPage({ comparison: none, pictures: [] })
  expect(html).toContain('Loss is not finite')
  expect(html.replace(/<script>[\s\S]*<\/script>/, '')).not.toContain('NaN')
})
