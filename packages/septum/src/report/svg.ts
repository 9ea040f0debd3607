/** Text that is already safe to place in an SVG or HTML document. Only `el` and `markup` make it from values. */
export class Markup {
  constructor(private readonly text: string) {}

  toString(): string {
    return this.text
  }
}

export type Child = Markup | string | number | null | undefined | false | readonly Child[]
export type Attributes = Readonly<Record<string, string | number | boolean | null | undefined>>

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

// What XML 1.0 (section 2.2) does not allow even as an entity: one such character makes a document unreadable.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu

/** Escapes text for element content and quoted attributes of XML and HTML. */
export function escapeMarkup(text: string): string {
  return text.replace(forbidden, '\ufffd').replace(/[&<>"']/g, (character) => entities[character]!)
}

function write(child: Child): string {
  if (child === null || child === undefined || child === false) return ''
  if (child instanceof Markup) return child.toString()
  if (typeof child === 'object') return child.map(write).join('')
  return escapeMarkup(typeof child === 'number' ? formatCoordinate(child) : child)
}

/** A coordinate with at most two decimals: a hundredth of a pixel is not seen, and files stay small. */
export function formatCoordinate(value: number): string {
  return Number.isFinite(value) ? String(Math.round(value * 100) / 100 + 0) : '0'
}

/**
 * One SVG element; attributes and text are escaped.
 *
 * @param attributes `null`, `undefined` and `false` leave an attribute out; numbers are rounded to 0.01.
 * @example el('text', { x: 10, y: 20 }, 'case <1>').toString()
 */
export function el(name: string, attributes: Attributes = {}, ...children: readonly Child[]): Markup {
  const written = Object.entries(attributes).map(([key, value]) => {
    if (value === null || value === undefined || value === false) return ''
    const text = typeof value === 'number' ? formatCoordinate(value) : String(value)
    return ` ${key}="${escapeMarkup(text)}"`
  })
  const inside = write(children)
  return new Markup(`<${name}${written.join('')}${inside === '' ? '/>' : `>${inside}</${name}>`}`)
}

/** Template tag for HTML: interpolated strings are escaped, `Markup` and lists of it pass. */
export function markup(parts: TemplateStringsArray, ...values: readonly Child[]): Markup {
  return new Markup(parts.map((part, index) => part + write(values[index])).join(''))
}

/** Marks text that this program wrote itself (style sheets, scripts) as safe. Never give it user text. */
export function trusted(text: string): Markup {
  return new Markup(text)
}

/** SVG path data of closed rings, each a list of alternating x and y. */
export function ringsPath(rings: readonly (readonly number[])[]): string {
  return rings
    .map((ring) => {
      const points: string[] = []
      for (let i = 0; i < ring.length; i += 2) {
        points.push(`${formatCoordinate(ring[i]!)} ${formatCoordinate(ring[i + 1]!)}`)
      }
      return `M${points.join('L')}Z`
    })
    .join('')
}
