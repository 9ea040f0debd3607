import { type Store, volumeInSight } from '../app/state.js'

/** A drag over so many CSS pixels changes brightness or contrast by the whole range of the values. */
const rangePixels = 600

/**
 * Dragging with the right button: to the right more values between black and white, downwards brighter. In shares of
 * the volume's range, so that it works for Hounsfield units as for shares of one. A drag is one step to undo.
 */
export function contrastDrag(store: Store, element: HTMLElement): void {
  let last: readonly [number, number] | undefined
  let step = ''
  element.addEventListener('contextmenu', (event) => event.preventDefault())
  element.addEventListener('pointerdown', (event) => {
    if (event.button !== 2) return
    last = [event.clientX, event.clientY]
    step = `grey ${event.timeStamp}`
    element.setPointerCapture(event.pointerId)
  })
  element.addEventListener('pointermove', (event) => {
    const volume = volumeInSight(store.session)
    if (!last || !volume) return
    const [dx, dy] = [event.clientX - last[0], event.clientY - last[1]]
    last = [event.clientX, event.clientY]
    store.set({ grey: moved(store.settings.grey ?? volume.window, volume.range, dx, dy) }, step)
  })
  for (const name of ['pointerup', 'pointercancel'] as const) {
    element.addEventListener(name, () => {
      last = undefined
    })
  }
}

/** @param dx, dy of the drag in CSS pixels. @returns values shown as black and white. */
export function moved(
  [black, white]: readonly [number, number],
  [least, most]: readonly [number, number],
  dx: number,
  dy: number,
): readonly [number, number] {
  const range = most - least || 1
  const perPixel = range / rangePixels
  const width = Math.min(2 * range, Math.max(range / 1000, white - black + 2 * dx * perPixel))
  const level = Math.min(most, Math.max(least, (black + white) / 2 - dy * perPixel))
  return [level - width / 2, level + width / 2]
}
