import type { Actions } from '../app/actions.js'
import type { Derived } from '../app/derived.js'
import type { Tool } from '../app/settings.js'
import type { Store } from '../app/state.js'
import { byId, show } from './dom.js'
import { droppedFiles } from './dropped.js'
import type { Stage } from './stage.js'

/** Mouse, touch and pen on the large picture, and its tool buttons. */
export function pointer(store: Store, actions: Actions, derived: Derived, stage: Stage): () => void {
  const { element } = stage
  const points = new Map<number, readonly [number, number]>()
  const buttons: readonly (readonly [Tool, HTMLElement])[] = [
    ['ruler', byId('tool-ruler')],
    ['window', byId('tool-window')],
  ]
  for (const [tool, button] of buttons) button.onclick = () => toggleTool(store, tool)
  byId('zoom-fit').onclick = () => stage.toggleFit()
  byId('undo').onclick = () => store.undo()
  byId('redo').onclick = () => store.redo()

  const local = (event: MouseEvent): readonly [number, number] => {
    const box = element.getBoundingClientRect()
    return [event.clientX - box.left, event.clientY - box.top]
  }
  const inImage = ([x, y]: readonly [number, number]): readonly [number, number] => {
    const transform = stage.transform()
    return [(x - transform.left) / transform.x, (y - transform.top) / transform.y]
  }
  element.addEventListener('pointerdown', (event) => {
    if (!store.session.picture) return
    const at = local(event)
    points.set(event.pointerId, at)
    element.setPointerCapture(event.pointerId)
    const [x, y] = inImage(at)
    if (store.session.tool === 'ruler')
      store.set({ ruler: { from: [x, y], to: [x, y] } }, `ruler ${event.timeStamp}`)
    if (store.session.tool === 'window') store.set({ centre: [y, x] }, 'centre')
  })
  element.addEventListener('pointermove', (event) => {
    const before = points.get(event.pointerId)
    if (!before) return
    const at = local(event)
    const { tool } = store.session
    if (points.size === 2) pinch(event.pointerId, before, at)
    else if (tool === 'move') stage.pan(at[0] - before[0], at[1] - before[1])
    else if (tool === 'ruler' && store.settings.ruler) {
      store.amend({ ruler: { from: store.settings.ruler.from, to: inImage(at) } })
    } else if (tool === 'window') {
      const [x, y] = inImage(at)
      store.set({ centre: [y, x] }, 'centre')
    }
    points.set(event.pointerId, at)
  })
  for (const name of ['pointerup', 'pointercancel'] as const) {
    element.addEventListener(name, (event) => points.delete(event.pointerId))
  }

  function pinch(id: number, before: readonly [number, number], at: readonly [number, number]): void {
    const other = [...points].find(([each]) => each !== id)![1]
    const distance = (a: readonly [number, number]) =>
      Math.max(1, Math.hypot(a[0] - other[0], a[1] - other[1]))
    stage.zoom(distance(at) / distance(before), (at[0] + other[0]) / 2, (at[1] + other[1]) / 2)
  }

  element.addEventListener(
    'wheel',
    (event) => {
      if (!store.session.picture) return
      event.preventDefault()
      stage.zoom(Math.exp(-event.deltaY * 0.0015), ...local(event))
    },
    { passive: false },
  )
  element.addEventListener('dblclick', () => stage.toggleFit())

  const drop = byId('drop')
  const holdsFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false
  // Heard before the canvas of volumes, which lets no such event through.
  const early = { capture: true }
  const dragged = (event: DragEvent) => {
    if (!holdsFiles(event)) return
    event.preventDefault()
    show(drop, true)
  }
  addEventListener('dragover', dragged, early)
  const left = (event: DragEvent) => {
    if (event.relatedTarget === null) show(drop, false)
  }
  addEventListener('dragleave', left, early)
  const dropped = (event: DragEvent) => {
    event.preventDefault()
    show(drop, false)
    if (event.dataTransfer) void droppedFiles(event.dataTransfer).then((files) => actions.openFiles(files))
  }
  addEventListener('drop', dropped, early)

  return () => {
    const { tool, picture } = store.session
    for (const id of ['tool-ruler', 'zoom-fit', 'undo', 'redo']) show(byId(id), picture !== null)
    const crop = derived.frame() !== null
    show(byId('tool-window'), crop)
    for (const [name, button] of buttons) button.setAttribute('aria-pressed', String(tool === name))
    byId<HTMLButtonElement>('undo').disabled = !store.canUndo
    byId<HTMLButtonElement>('redo').disabled = !store.canRedo
  }
}

/** A tool is put down by choosing it again. */
export function toggleTool(store: Store, tool: Tool): void {
  const down = store.session.tool === tool
  store.update({ tool: down ? 'move' : tool })
  if (!down && tool === 'ruler') return
  if (tool === 'ruler') store.set({ ruler: null })
}
