import { samplesInSlice } from '../analysis/volume.js'
import { type Store, volumeInSight } from '../app/state.js'
import { type OpenVolume, planeAcross, volumeSize, volumeSpacing } from '../files/volume.js'
import { byId, make, say, show } from './dom.js'
import { areaText, percent, short, volumeText } from './numbers.js'

/** Volumes of the structures, their areas in the slice in sight, and what the file says of itself. */
export function volumeFindings(store: Store): () => void {
  const rows = byId('volume-rows')
  let facts: OpenVolume | null = null
  return () => {
    const { volume: opened, volumeResult: result, manifest, cursor } = store.session
    const volume = volumeInSight(store.session)
    show(byId('volume-findings'), volume !== null && result !== null)
    show(byId('about-volume'), opened !== null)
    if (opened && opened !== facts) {
      facts = opened
      aboutVolume(opened)
    }
    if (!volume || !result) return
    const spacing = volumeSpacing(volume)
    const plane = spacing && ([spacing[1], spacing[2]] as const)
    say(byId('volume-slice'), `${planeAcross(volume, 0)} slice ${cursor[0] + 1}`)
    rows.replaceChildren(
      ...result.statistics.map((each, index) => {
        const entry = manifest?.classes[index] ?? each
        const inSlice = samplesInSlice(result.labels, result.size, entry, cursor[0])
        const area = inSlice * (plane ? plane[0] * plane[1] : 1)
        const chip = make('span', { className: 'chip' })
        chip.style.background = manifest?.classes[index]?.colour ?? ''
        const parts =
          each.samples === 0 ? '' : `${each.components} ${each.components === 1 ? 'part' : 'parts'}`
        return make(
          'tr',
          {},
          make('th', { scope: 'row' }, chip, each.name),
          make('td', { className: 'number' }, volumeText(each), make('small', {}, parts)),
          make('td', { className: 'number' }, areaText(area, plane)),
        )
      }),
    )
    const spread = spreadText(store, spacing)
    show(byId('volume-spread'), spread !== '')
    say(byId('volume-spread'), spread)
  }
}

/** How far the masks of a sampling model lie apart. */
function spreadText({ session }: Store, spacing: readonly [number, number, number] | null): string {
  const { statistics, hypotheses } = session.volumeResult!
  const lines = statistics.flatMap(({ name, samplesRange, agreement }) => {
    if (!samplesRange || !agreement) return []
    const one = spacing?.reduce((product, mm) => product * mm, 1)
    const [low, high] = samplesRange.map((samples) =>
      volumeText(one ? { samples, volumeMm3: samples * one } : { samples }),
    )
    return [`${name}: ${low} to ${high}, overlap ${percent(agreement.iou)} (IoU)`]
  })
  return lines.length > 0 ? `Over ${hypotheses.length} masks of every slice: ${lines.join('; ')}.` : ''
}

function aboutVolume(volume: OpenVolume): void {
  const [depth, height, width] = volumeSize(volume)
  const spacing = volumeSpacing(volume)
  const rows: readonly (readonly [string, string])[] = [
    ['Size', `${width} × ${height} × ${depth} voxels`],
    ['Spacing', spacing ? `${[...spacing].reverse().map(short).join(' × ')} mm` : 'not stated'],
    ['Stored slices', volume.image.geometry ? planeAcross(volume, 0) : 'of unknown orientation'],
    ['Values', `${short(volume.range[0])} to ${short(volume.range[1])}`],
    ...volume.notes.map((note) => ['Note', note] as const),
  ]
  byId('volume-facts').replaceChildren(
    ...rows.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]),
  )
}
