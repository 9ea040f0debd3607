import type { Actions } from '../app/actions.js'
import { type Store, volumeInSight } from '../app/state.js'
import { type OpenVolume, planeAcross, volumeSize } from '../files/volume.js'
import type { Layout, Voxel } from '../volume/view.js'
import { byId, say, show } from './dom.js'

/** Choice between volume and slice, the planes that are shown, and the slider through the slices. */
export function volumeStrip(store: Store, actions: Actions): () => void {
  const scenes = byId<HTMLFieldSetElement>('scenes')
  const layouts = byId<HTMLFieldSetElement>('layouts')
  const slider = byId<HTMLInputElement>('slice')
  const sceneRadios = [...scenes.querySelectorAll<HTMLInputElement>('input')]
  const layoutRadios = [...layouts.querySelectorAll<HTMLInputElement>('input')]
  for (const radio of sceneRadios) radio.onchange = () => actions.setScene(radio.value as 'volume' | 'slice')
  for (const radio of layoutRadios) radio.onchange = () => store.update({ layout: radio.value as Layout })
  slider.oninput = () => {
    const { volume, cursor } = store.session
    if (volume) actions.moveTo(withAxis(cursor, scrolledAxis(store, volume), slider.valueAsNumber - 1))
  }
  return () => {
    const { volume, scene, layout, cursor } = store.session
    show(scenes, volume !== null)
    show(layouts, volume !== null && scene === 'volume')
    show(byId('strip-volume'), volume !== null)
    if (!volume) return
    for (const radio of sceneRadios) radio.checked = radio.value === scene
    for (const radio of layoutRadios) radio.checked = radio.value === layout
    const axis = scrolledAxis(store, volume)
    const count = volumeSize(volume)[axis]
    const plane = planeAcross(volume, axis)
    slider.max = String(count)
    slider.value = String(cursor[axis] + 1)
    const text = `${plane[0]!.toUpperCase()}${plane.slice(1)} slice ${cursor[axis] + 1} of ${count}`
    slider.setAttribute('aria-valuetext', text)
    say(byId('slice-text'), text)
    const [height, width] = volumeSize(volume).slice(1) as [number, number]
    const value = volume.image.data[(cursor[0] * height + cursor[1]) * width + cursor[2]]!
    const spoken = volumeInSight(store.session) ? `Value ${Number(value.toPrecision(5))}` : ''
    say(byId('slice-value'), spoken)
  }
}

/** The array axis that the slices in sight follow: of single planes theirs, else that of the stored slices. */
function scrolledAxis({ session }: Store, volume: OpenVolume): 0 | 1 | 2 {
  if (session.scene === 'slice' || session.layout === 'planes') return 0
  return ([0, 1, 2] as const).find((axis) => planeAcross(volume, axis) === session.layout)!
}

const withAxis = (cursor: Voxel, axis: 0 | 1 | 2, at: number): Voxel =>
  cursor.map((own, i) => (i === axis ? at : own)) as unknown as Voxel

/** The next slice in sight, `by` of them further. */
export function stepSlice(store: Store, actions: Actions, by: number): void {
  const { volume } = store.session
  if (volume) step(store, actions, volume, scrolledAxis(store, volume), by)
}

function step(store: Store, actions: Actions, volume: OpenVolume, axis: 0 | 1 | 2, by: number): void {
  const { cursor } = store.session
  const at = Math.min(volumeSize(volume)[axis] - 1, Math.max(0, cursor[axis] + by))
  actions.moveTo(withAxis(cursor, axis, at))
}

export function toggleScene(store: Store, actions: Actions): void {
  if (store.session.volume) actions.setScene(store.session.scene === 'volume' ? 'slice' : 'volume')
}

/** Arrow keys on a volume: across and along the stored slices. @returns whether the key was one of them. */
export function arrowOnVolume(store: Store, actions: Actions, key: string, by: number): boolean {
  const moves: Readonly<Record<string, readonly [axis: 0 | 1 | 2, by: number]>> = {
    ArrowLeft: [2, -by],
    ArrowRight: [2, by],
    ArrowUp: [1, -by],
    ArrowDown: [1, by],
  }
  const move = moves[key]
  const { volume, layout } = store.session
  if (!move || !volume) return false
  // In a single plane up and down go through its slices, as a wheel does.
  if (layout !== 'planes' && move[0] === 1) stepSlice(store, actions, -move[1])
  else step(store, actions, volume, ...move)
  return true
}
