import type { Actions } from '../app/actions.js'
import type { Derived } from '../app/derived.js'
import type { View } from '../app/settings.js'
import type { Store } from '../app/state.js'
import { heightOf, widthOf } from '../files/picture.js'
import { toggleSample } from './controls.js'
import { byId, make } from './dom.js'
import { togglePlay } from './growth.js'
import { toggleTool } from './pointer.js'
import type { Stage } from './stage.js'
import { stepSlice, toggleScene } from './volume-strip.js'

interface Binding {
  readonly keys: readonly string[]
  readonly text: string
  readonly run: () => void
}

/** Single keys and Ctrl+Z. Single letters can be switched off (WCAG 2.1.4); none works inside a text field. */
export function keys(store: Store, actions: Actions, derived: Derived, stage: Stage): void {
  const view = (name: View) => () => {
    const radio = document.querySelector<HTMLInputElement>(`input[name=view][value=${name}]`)!
    if (store.session.result && !radio.disabled) store.set({ view: name })
  }
  const step = (by: number) => () => {
    const { view: shown, sample, scale } = store.settings
    const { result } = store.session
    if (!result) return
    const samples = result.classes[0]!.samples.length
    const scales = Math.max(0, ...result.stages.map(({ index }) => index + 1))
    if (shown === 'growth') store.set({ scale: Math.min(scales - 1, Math.max(0, scale + by)) })
    else if (samples > 1) store.set({ view: 'sample', sample: (sample + by + samples) % samples }, 'sample')
  }
  const bindings: readonly Binding[] = [
    { keys: ['S'], text: 'Segment', run: () => void actions.run() },
    { keys: ['Escape'], text: 'Stop a run', run: () => store.session.busy && actions.cancel() },
    { keys: ['1'], text: 'Consensus', run: view('consensus') },
    { keys: ['2'], text: 'Uncertainty', run: view('uncertainty') },
    { keys: ['3'], text: 'Single mask', run: view('sample') },
    { keys: ['4'], text: 'Growth', run: view('growth') },
    { keys: ['['], text: 'Mask or scale before', run: step(-1) },
    { keys: [']'], text: 'Next mask or scale', run: step(1) },
    {
      keys: ['B'],
      text: 'Mask into the blend, or out',
      run: () => toggleSample(store, store.settings.sample),
    },
    {
      keys: ['P'],
      text: 'Play the growth',
      run: () => {
        view('growth')()
        togglePlay(store)
      },
    },
    { keys: ['T'], text: "Raters' outlines", run: () => store.set({ raters: !store.settings.raters }) },
    { keys: ['R'], text: 'Ruler', run: () => toggleTool(store, 'ruler') },
    {
      keys: ['W'],
      text: "Move the model's window",
      run: () => derived.frame() && toggleTool(store, 'window'),
    },
    { keys: ['Z'], text: 'Whole image, or the finding', run: () => stage.toggleFit() },
    { keys: ['+', '='], text: 'Closer', run: () => stage.zoom(1.25) },
    { keys: ['-'], text: 'Farther', run: () => stage.zoom(0.8) },
    { keys: ['V'], text: 'Volume, or one slice of it', run: () => toggleScene(store, actions) },
    { keys: ['PageUp'], text: 'Slice above', run: () => stepSlice(store, actions, 1) },
    { keys: ['PageDown'], text: 'Slice below', run: () => stepSlice(store, actions, -1) },
    { keys: ['O'], text: 'Open an image', run: () => byId('image-file').click() },
    { keys: ['?'], text: 'This help', run: () => byId<HTMLDialogElement>('help-dialog').showModal() },
  ]
  const rows: readonly (readonly [readonly string[], string])[] = [
    ...bindings.map(({ keys: names, text }) => [names.slice(0, 1), text] as const),
    [['Arrows'], 'On the image: move it, the ruler’s end, or the model’s window'],
    [['Arrows'], 'On a volume: move the crosshair; with Shift by ten'],
    [['Ctrl+Z'], 'Undo; with Shift: redo'],
  ]
  byId('key-rows').replaceChildren(
    ...rows.map(([names, text]) =>
      make(
        'tr',
        {},
        make('th', { scope: 'row' }, ...names.map((name) => make('kbd', {}, name))),
        make('td', {}, text),
      ),
    ),
  )
  byId('help').onclick = () => byId<HTMLDialogElement>('help-dialog').showModal()

  addEventListener('keydown', (event) => {
    const target = event.target as HTMLElement
    const typing = target.matches('input[type=text], input[type=number], select')
    if (event.ctrlKey || event.metaKey) {
      if (event.key.toLowerCase() !== 'z' || typing) return
      event.preventDefault()
      if (event.shiftKey) store.redo()
      else store.undo()
      return
    }
    if (typing || event.altKey || byId<HTMLDialogElement>('help-dialog').open) return
    if (target === stage.element && arrow(event.key, event.shiftKey ? 10 : 1)) {
      event.preventDefault()
      return
    }
    if (event.key.length === 1 && !byId<HTMLInputElement>('single-keys').checked) return
    const name = event.key.length === 1 ? event.key.toUpperCase() : event.key
    const binding = bindings.find(({ keys: names }) => names.includes(name))
    if (!binding) return
    if (name.startsWith('Page') && store.session.volume) event.preventDefault()
    binding.run()
  })

  /** Arrow keys do with the tool in hand what a pointer does. */
  function arrow(key: string, by: number): boolean {
    const moves: Readonly<Record<string, readonly [number, number]>> = {
      ArrowLeft: [-by, 0],
      ArrowRight: [by, 0],
      ArrowUp: [0, -by],
      ArrowDown: [0, by],
    }
    const move = moves[key]
    const { tool, picture } = store.session
    if (!move || !picture) return false
    const [dx, dy] = move
    const middle = [widthOf(picture) / 2, heightOf(picture) / 2] as const
    if (tool === 'ruler') {
      const { from, to } = store.settings.ruler ?? { from: middle, to: middle }
      store.set({ ruler: { from, to: [to[0] + dx, to[1] + dy] } }, 'ruler')
    } else if (tool === 'window') {
      const [y, x] = store.settings.centre ?? [middle[1], middle[0]]
      store.set({ centre: [y + dy, x + dx] }, 'centre')
    } else stage.pan(-dx * 16, -dy * 16)
    return true
  }
}
