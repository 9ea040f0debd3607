import { checkCase, type HypothesisCase, lesionArea } from './cases.js'
import { formatScore } from './hypotheses.js'
import { modelColour, painter } from './palette.js'
import { el, type Markup, markup } from './svg.js'
import { contourLine, imageLayer, modelLayer, raterColour, raterLayer, tile, type View } from './tiles.js'

const side = 320

interface PlayerFrame {
  /** What the reader is told at this position of the slider. */
  readonly label: string
  readonly content: readonly Markup[]
}

/** A case to play with: the raters' outlines, the mask growing from coarse to fine, the samples in turn, consensus. */
export async function casePlayers(item: HypothesisCase): Promise<Markup> {
  checkCase(item)
  const view: View = { item, area: lesionArea(item), size: side }
  const background = await imageLayer(view)
  const stages = await Promise.all(
    item.stages.map(async ({ label, probabilities }): Promise<PlayerFrame> => {
      return { label, content: await modelLayer(view, probabilities) }
    }),
  )
  const samples = item.samples.map((mask, i): PlayerFrame => {
    const binary = mask.map((value) => (value ? 1 : 0))
    return { label: `${i + 1} of ${item.samples.length}`, content: [contourLine(view, binary, modelColour)] }
  })
  const scores = Object.entries(item.scores).map(
    ([name, value]) => markup`<span>${name} <b>${formatScore(value)}</b></span> `,
  )
  return markup`<article class="case"><header><h3>${item.name}</h3><p class="scores">${scores}</p></header>
<div class="players">
${item.raters.length > 0 && raterPanel(view, background)}
${stages.length > 0 && player('Coarse to fine', `Scale shown for ${item.name}`, background, stages)}
${samples.length > 0 && player('Plausible masks', `Sample shown for ${item.name}`, background, samples)}
${await consensusPanel(view, background)}
</div></article>`
}

function picture(alt: string, ...content: readonly (Markup | readonly Markup[])[]): Markup {
  const paint = painter('auto')
  const attributes = { viewBox: `0 0 ${side} ${side}`, role: 'img', 'aria-label': alt }
  return el('svg', attributes, tile(paint, 0, 0, side, content))
}

function raterPanel(view: View, background: Markup): Markup {
  const { raters, name } = view.item
  const keys = raters.map((mask, i) => {
    const empty = !mask.some((value) => value !== 0)
    const dot = el('svg', { width: 18, height: 8, 'aria-hidden': 'true' }, [
      el('rect', { width: 18, height: 8, rx: 1.5, fill: '#0b0e12' }),
      el('rect', { x: 3, y: 3, width: 12, height: 2.4, fill: raterColour(i) }),
    ])
    return markup`<li>${dot} rater ${i + 1}${empty && ' (none)'}</li>`
  })
  return markup`<figure class="panel"><figcaption>Raters</figcaption>
${picture(`Outlines of ${raters.length} raters on ${name}`, background, raterLayer(view))}
<ul class="keys">${keys}</ul></figure>`
}

async function consensusPanel(view: View, background: Markup): Promise<Markup> {
  const { consensus, name, samples } = view.item
  return markup`<figure class="panel"><figcaption>${samples.length ? 'Consensus' : 'Prediction'}</figcaption>
${picture(`Predicted probability on ${name}`, background, await modelLayer(view, consensus))}
<p class="hint">line: probability 0.5; veil: probability</p></figure>`
}

function player(
  title: string,
  sliderName: string,
  background: Markup,
  frames: readonly PlayerFrame[],
): Markup {
  const last = frames.length - 1
  const layers = frames.map(({ content }, i) =>
    el('g', { 'data-frame': true, class: i === last ? null : 'off' }, content),
  )
  const labels = JSON.stringify(frames.map(({ label }) => label))
  return markup`<figure class="panel player" data-labels="${labels}"><figcaption>${title}</figcaption>
${picture(`${title}: ${frames[last]!.label}`, background, layers)}
<div class="controls" hidden><button type="button" aria-label="Play">▶</button>
<input type="range" min="0" max="${last}" value="${last}" step="1" aria-label="${sliderName}">
<output>${frames[last]!.label}</output></div></figure>`
}

/** The script of the players: without it each shows its last frame, and no control. */
export const playerScript = `
for (const player of document.querySelectorAll('.player')) {
  const frames = player.querySelectorAll('[data-frame]')
  const labels = JSON.parse(player.dataset.labels)
  const button = player.querySelector('button')
  const slider = player.querySelector('input')
  const title = player.querySelector('figcaption').textContent
  let timer = 0
  const show = () => {
    const at = Number(slider.value)
    frames.forEach((frame, i) => frame.classList.toggle('off', i !== at))
    player.querySelector('output').textContent = labels[at]
    player.querySelector('svg').setAttribute('aria-label', title + ': ' + labels[at])
    slider.setAttribute('aria-valuetext', labels[at])
  }
  const stop = () => {
    clearInterval(timer)
    timer = 0
    button.textContent = '▶'
    button.setAttribute('aria-label', 'Play')
  }
  slider.addEventListener('input', () => { stop(); show() })
  button.addEventListener('click', () => {
    if (timer) return stop()
    if (slider.value === slider.max) slider.value = 0
    show()
    button.textContent = '❚❚'
    button.setAttribute('aria-label', 'Pause')
    timer = setInterval(() => {
      slider.value = Number(slider.value) + 1
      show()
      if (slider.value === slider.max) stop()
    }, 650)
  })
  player.querySelector('.controls').hidden = false
  show()
}
`
