import { describe, expect, it } from 'vitest'
import { el, escapeMarkup, markup, ringsPath } from './svg.js'

describe('escapeMarkup', () => {
  it.each([
    ['a < b & c > d', 'a &lt; b &amp; c &gt; d'],
    [`"'`, '&quot;&#39;'],
    ['</svg><script>alert(1)</script>', '&lt;/svg&gt;&lt;script&gt;alert(1)&lt;/script&gt;'],
    // A NUL, an escape and half a surrogate pair are not allowed in XML in any spelling; tab and emoji are.
    ['a\u0000b\u001bc\ud800d', 'a\ufffdb\ufffdc\ufffdd'],
    ['tab\tand 🫁', 'tab\tand 🫁'],
  ])('writes %j as %j', (text, expected) => expect(escapeMarkup(text)).toBe(expected))
})

describe('el', () => {
  it('escapes attributes and text, and leaves out what is absent', () => {
    const made = el('text', { x: 1.239, id: null, hidden: false, title: '"><x' }, 'a<b', el('tspan', {}, '&'))
    expect(made.toString()).toBe('<text x="1.24" title="&quot;&gt;&lt;x">a&lt;b<tspan>&amp;</tspan></text>')
  })

  it('closes an empty element', () => expect(el('path', { d: 'M0 0' }).toString()).toBe('<path d="M0 0"/>'))

  it('never writes a number that is none', () => {
    expect(el('rect', { x: Number.NaN, y: Infinity, width: -0 }).toString()).toBe(
      '<rect x="0" y="0" width="0"/>',
    )
  })
})

describe('markup', () => {
  it('escapes strings, keeps markup and joins lists', () => {
    expect(markup`<p>${'<i>'}${[markup`<b>`, 'x&y', null, false]}${3}</p>`.toString()).toBe(
      '<p>&lt;i&gt;<b>x&amp;y3</p>',
    )
  })
})

it('writes rings as closed paths', () => {
  expect(ringsPath([[0, 0, 2, 0, 2, 1.005]])).toBe('M0 0L2 0L2 1Z')
})
