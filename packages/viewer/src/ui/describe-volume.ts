import type { Store } from '../app/state.js'
import { type OpenVolume, planeAcross, volumeSize } from '../files/volume.js'
import { volumeText } from './numbers.js'

/** A volume in words, for those who do not see it. */
export function describeVolume({ session }: Store, volume: OpenVolume): string {
  const { cursor, volumeResult, busy } = session
  const [depth, height, width] = volumeSize(volume)
  const what =
    `${volume.name}, ${depth} ${planeAcross(volume, 0)} slices of ${width} by ${height}, ` +
    `crosshair in slice ${cursor[0] + 1}`
  if (busy) return `${what}. The page is working.`
  if (!volumeResult) return `${what}. Not segmented yet.`
  const found = volumeResult.statistics.map((each) => `${each.name} ${volumeText(each)}`)
  return `${what}. Marked: ${found.join(', ')}.`
}
