import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { formatCount, formatDuration, type ReportPage, renderReportPage } from './page.js'

const hostile = `"><img src=x onerror=alert(1)><script>alert('x')</script>`

function examplePage(text: string): ReportPage {
  const size = 40 * 40
  const mask = new Uint8Array(size).fill(1, 800, 810)
  const map = Float32Array.from(mask)
  const value = { mean: 0.3, low: 0.2, high: 0.4 }
  return {
    title: text,
    lead: text,
    dataset: { name: text, licence: text, citation: text, url: 'javascript:alert(1)' },
    split: text,
    seeds: [0],
    methods: [{ name: text, summary: text, parameters: 1_630_208, seconds: 251 }],
    machine: text,
    seconds: 468,
    date: text,
    results: {
      caption: text,
      metrics: [{ name: text, better: 'lower', explanation: text }],
      rows: [{ name: text, values: { [text]: value } }],
    },
    figure: {
      title: text,
      subtitle: text,
      imageName: text,
      uncertaintyUnit: text,
      cases: [
        {
          name: text,
          image: { width: 40, height: 40, data: map },
          raters: [mask],
          stages: [
            { label: text, probabilities: map },
            { label: '2x2', probabilities: map },
          ],
          samples: [mask],
          consensus: map,
          uncertainty: map,
          scores: { [text]: 0.5 },
        },
      ],
    },
    curves: { panels: [{ title: text, yLabel: text, curves: [{ name: text, x: [0, 1], y: [1, 0.5] }] }] },
    settings: text,
    notes: [text],
    next: { command: text, explanation: text },
  }
}

describe('renderReportPage', () => {
  it('escapes every text it is given', async () => {
    const html = await renderReportPage(examplePage(hostile))
    expect(html).not.toContain('<img')
    expect(html.match(/<script/g)).toHaveLength(1)
    expect(html).not.toContain('href="javascript:')
  })

  it('asks nothing of the network, and allows only the script it carries', async () => {
    const html = await renderReportPage(examplePage('x'))
    expect(html).not.toMatch(/(src|href)="(?!data:image\/png;base64,)/)
    const script = /<script>([\s\S]*)<\/script>/.exec(html)![1]!
    const digest = createHash('sha256').update(script).digest('base64')
    expect(html).toContain(`script-src &#39;sha256-${digest}&#39;`)
  })

  it('has a language, one main heading, ordered headings, a table caption and alternatives for pictures', async () => {
    const html = await renderReportPage(examplePage('x'))
    expect(html).toContain('<html lang="en">')
    expect(html.match(/<h1/g)).toHaveLength(1)
    expect(html.indexOf('<h2')).toBeLessThan(html.indexOf('<h3'))
    expect(html).toContain('<caption>')
    for (const [svg] of html.matchAll(/<svg[^>]*viewBox[^>]*role="img"[^>]*>/g))
      expect(svg).toContain('aria-label=')
    expect(html.match(/Research use only\. Not a medical device\./g)?.length).toBeGreaterThanOrEqual(1)
  })
})

it.each([
  [0.42, '0.4 s'],
  [42.6, '43 s'],
  [503, '8 min 23 s'],
  [7_500, '2 h 05 min'],
  [Number.NaN, 'unknown time'],
])('writes %d seconds as %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text))

it('writes counts with commas', () => expect(formatCount(1_630_208)).toBe('1,630,208'))
