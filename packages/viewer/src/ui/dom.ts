/** Elements of the page by the type they are used as. */
export function byId<Kind extends Element = HTMLElement>(id: string): Kind {
  return document.getElementById(id) as unknown as Kind
}

export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Partial<HTMLElementTagNameMap[Name]> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = Object.assign(document.createElement(name), properties)
  element.append(...children)
  return element
}

const svgSpace = 'http://www.w3.org/2000/svg'

export function svg(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  ...children: (Node | string)[]
): SVGElement {
  const element = document.createElementNS(svgSpace, name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value))
  element.append(...children)
  return element
}

export function show(element: HTMLElement, visible: boolean): void {
  element.hidden = !visible
}

/** Sets a text only when it differs, so that screen readers do not hear it again. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

/** A short piece of the line by which a mask is drawn, for keys. */
export function lineKey(colour: string, dash: readonly number[] = []): SVGElement {
  const line = { x1: 1, x2: 25, y1: 4, y2: 4, stroke: colour, 'stroke-width': 2.5 }
  return svg(
    'svg',
    { viewBox: '0 0 26 8', 'aria-hidden': 'true' },
    svg('line', { ...line, 'stroke-dasharray': dash.join(' ') }),
  )
}
