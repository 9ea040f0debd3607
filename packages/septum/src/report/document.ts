import { createHash } from 'node:crypto'
import { type Child, type Markup, markup, trusted } from './svg.js'

export interface HtmlDocument {
  readonly title: string
  /** One or two sentences under the title. */
  readonly lead: string
  readonly date?: string
  readonly body: Child
  readonly style: string
  readonly script: string
}

/**
 * A page in one file that needs nothing else: no network and no script but its own, as its content security
 * policy says.
 */
export function htmlDocument({ title, lead, date, body, style, script }: HtmlDocument): string {
  const digest = createHash('sha256').update(script).digest('base64')
  const policy = `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'`
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${trusted(style)}</style>
</head>
<body>
<header>
<p class="brand">Septum</p>
<h1>${title}</h1>
<p class="lead">${lead}</p>
<p class="warning">Research use only. Not a medical device.</p>
</header>
<main>
${body}
</main>
<footer><p>Made by Septum${date && `, ${date}`}. Research use only. Not a medical device.</p></footer>
<script>${trusted(script)}</script>
</body>
</html>
`.toString()
}

/** A part of a page under its heading. */
export function section(title: string, ...content: readonly Child[]): Markup {
  return markup`<section><h2>${title}</h2>
${content}</section>
`
}
