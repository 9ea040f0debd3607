import { niftiBytes } from 'septum/browser'
import { samplesInSlice } from '../analysis/volume.js'
import { type Store, volumeInSight } from '../app/state.js'
import type { VolumeResult } from '../engine/messages.js'
import { compressed } from '../export/png.js'
import { fileName, save } from '../export/save.js'
import { problemOf } from '../files/problem.js'
import { type OpenVolume, volumeSize, volumeSpacing } from '../files/volume.js'
import { byId, say, show } from './dom.js'

/** Files of a segmented volume, on the grid that the volume came with. */
export function volumeExports(store: Store): () => void {
  const withResult =
    (work: (volume: OpenVolume, result: VolumeResult, name: string) => Promise<void>) => () => {
      const volume = volumeInSight(store.session)
      const { volumeResult } = store.session
      if (!volume || !volumeResult) return
      work(volume, volumeResult, fileName(volume.name)).catch((error: unknown) =>
        store.update({ problem: problemOf(error) }),
      )
    }
  byId('save-volume').onclick = withResult(async ({ image }, { labels }, name) => {
    const masks = { ...image, data: labels, shape: [1, ...image.shape.slice(1)], maxValue: 255 }
    const bytes = niftiBytes(masks, 'Septum mask, research use')
    save(await compressed(bytes, 'gzip'), `${name}-mask.nii.gz`, 'application/gzip')
  })
  byId('save-volume-dicom').onclick = withResult(async (volume, { labels }, name) => {
    if (!volume.dicom) return
    const { segOf } = await import('../export/dicom-seg.js')
    const classes = store.session.manifest?.classes ?? []
    const bytes = segOf(labels, volume.image, volume.dicom, classes, volume.name)
    save(bytes, `${name}-seg.dcm`, 'application/dicom')
  })
  byId('save-volume-numbers').onclick = withResult(async (volume, result, name) => {
    const text = JSON.stringify(numbers(store, volume, result), undefined, 2)
    save(new TextEncoder().encode(`${text}\n`), `${name}-numbers.json`, 'application/json')
  })
  return () => {
    const volume = volumeInSight(store.session)
    show(byId('volume-exports'), volume !== null && store.session.volumeResult !== null)
    const possible = volume?.dicom !== undefined
    byId('save-volume-dicom').setAttribute('aria-disabled', String(!possible))
    say(
      byId('volume-dicom-note'),
      possible
        ? 'DICOM SEG carries the name and dates of the patient, as its source does.'
        : 'DICOM SEG needs a volume that was opened from DICOM files with a place in the patient.',
    )
  }
}

/** Everything that the page states of a volume, with what is needed to state it again. */
function numbers({ session }: Store, volume: OpenVolume, result: VolumeResult) {
  const { manifest, where, cursor } = session
  const spacing = volumeSpacing(volume)
  const pixel = spacing ? spacing[1] * spacing[2] : null
  return {
    image: { name: volume.name, size: volumeSize(volume), spacingMm: spacing },
    model: { method: manifest?.method.name, dataset: manifest?.training.dataset },
    run: { where, seed: result.seed, seconds: result.seconds, masks: Math.max(1, result.hypotheses.length) },
    classes: result.statistics,
    slices: result.statistics.map((each, index) => ({
      name: each.name,
      slice: cursor[0] + 1,
      areas: Array.from({ length: result.size[0]! }, (_, z) => {
        const samples = samplesInSlice(result.labels, result.size, manifest?.classes[index] ?? each, z)
        return pixel === null ? { samples } : { samples, areaMm2: samples * pixel }
      }),
    })),
    notice: 'Research use only',
  }
}
