import { niftiBytes } from 'septum/browser'
import { votesNeeded } from '../analysis/blend.js'
import { measureMask } from '../analysis/measure.js'
import { scoresOf } from '../analysis/scores.js'
import type { Derived } from '../app/derived.js'
import type { Store } from '../app/state.js'
import type { PixelShape } from '../draw/pixel.js'
import { drawScene } from '../draw/scene.js'
import { niftiOf } from '../export/nifti.js'
import { compressed, greyPng } from '../export/png.js'
import { fileName, save } from '../export/save.js'
import type { OpenPicture } from '../files/picture.js'
import { problemOf } from '../files/problem.js'
import { byId, say, show } from './dom.js'
import type { Pictures } from './pictures.js'
import type { Stage } from './stage.js'

/** Shortest side of a saved picture, so that outlines on small images stay legible. */
const pictureSide = 1024
/** What thin pixels may stretch a saved picture to: a canvas has its limits. */
const longestSide = 8192

/** Buttons that hand files to the browser's downloads; nothing is uploaded. */
export function exports(store: Store, derived: Derived, pictures: Pictures, stage: Stage): () => void {
  const withResult = (work: (picture: OpenPicture, name: string) => Promise<void>) => () => {
    const { picture, result } = store.session
    if (!picture || !result) return
    work(picture, fileName(picture.name)).catch((error: unknown) =>
      store.update({ problem: problemOf(error) }),
    )
  }
  byId('save-picture').onclick = withResult(async (picture, name) => {
    const [height, width] = pictures.size(picture)
    const [y, x] = savedScale([height, width], pictures.pixel())
    const canvas = new OffscreenCanvas(Math.round(width * x), Math.round(height * y))
    const context = canvas.getContext('2d')!
    // Lines as wide as on a page where the picture has about half of these pixels.
    drawScene(context, stage.scene(picture), { x: x / 2, y: y / 2, left: 0, top: 0 }, 2)
    save(await canvas.convertToBlob({ type: 'image/png' }), `${name}-${store.settings.view}.png`, 'image/png')
  })
  byId('save-mask').onclick = withResult(async (picture, name) => {
    const values = mask().map((value) => value * 255)
    save(await greyPng(values, pictures.size(picture)), `${name}-mask.png`, 'image/png')
  })
  byId('save-nifti').onclick = withResult(async (picture, name) => {
    const bytes = await asNifti(mask(), picture, 'Septum mask, research use')
    save(bytes, `${name}-mask.nii.gz`, 'application/gzip')
  })
  byId('save-probability').onclick = withResult(async (picture, name) => {
    const { probability } = derived.blend()!
    const bytes = await asNifti(probability, picture, 'Septum probability, research use')
    save(bytes, `${name}-probability.nii.gz`, 'application/gzip')
  })
  byId('save-numbers').onclick = withResult(async (picture, name) => {
    const text = JSON.stringify(numbers(store, derived, pictures.size(picture)), undefined, 2)
    save(new TextEncoder().encode(`${text}\n`), `${name}-numbers.json`, 'application/json')
  })

  byId('save-dicom').onclick = withResult(async (picture, name) => {
    const { dicom, image } = picture
    if (!dicom) return
    const { segOf } = await import('../export/dicom-seg.js')
    const [{ labels, shape, geometry }, classes] = [wholeLabels(picture, mask()), segmentsOf()]
    save(
      segOf(labels, { ...image, shape, geometry }, dicom, classes, name),
      `${name}-seg.dcm`,
      'application/dicom',
    )
  })

  /** A map with the place of its picture; of pictures without one, with the size of their pixels. */
  function asNifti(map: Uint8Array | Float32Array, picture: OpenPicture, text: string): Promise<Uint8Array> {
    const { image } = picture
    const size = pictures.size(picture)
    if (!image.geometry) return niftiOf(map, size, store.settings.spacingMm, text)
    const whole = { data: map, shape: [1, ...size], geometry: image.geometry, maxValue: 1 }
    return compressed(niftiBytes(whole, text), 'gzip')
  }

  /** The class in view alone, of which masks hold 1. */
  const segmentsOf = () => {
    const { region: _, ...entry } = store.session.manifest!.classes[store.settings.classIndex]!
    return [{ ...entry, label: 1 }]
  }

  /** The mask of a slice on the grid of the volume that it was taken from. */
  function wholeLabels({ image }: OpenPicture, slice: Uint8Array) {
    const { volume, cursor } = store.session
    if (!volume) return { labels: slice, shape: image.shape, geometry: image.geometry! }
    const labels = new Uint8Array(volume.image.data.length)
    labels.set(slice, cursor[0] * slice.length)
    return { labels, shape: volume.image.shape, geometry: volume.image.geometry! }
  }

  /** The mask in view: a single one where one is shown, else the consensus. */
  function mask(): Uint8Array {
    const { view, sample, classIndex } = store.settings
    const samples = store.session.result!.classes[classIndex]!.samples
    return view === 'sample' ? samples[sample]! : derived.consensus()!
  }

  return () => {
    const { result, picture } = store.session
    show(byId('exports'), result !== null)
    const possible = picture?.dicom !== undefined
    byId('save-dicom').setAttribute('aria-disabled', String(!possible))
    say(
      byId('dicom-note'),
      possible
        ? 'DICOM SEG carries the name and dates of the patient, as its source does.'
        : 'DICOM SEG needs an image that was opened from DICOM files with a place in the patient.',
    )
  }
}

/** Pixels of the saved picture to a pixel of the image, [y, x]: in the proportions that are seen. */
function savedScale(
  [height, width]: readonly [number, number],
  [pixelHeight, pixelWidth]: PixelShape,
): readonly [number, number] {
  const sides = [height * pixelHeight, width * pixelWidth]
  const most = Math.max(longestSide, height, width) / Math.max(...sides)
  const scale = Math.min(most, Math.max(1, Math.round(pictureSide / Math.min(...sides))))
  return [scale * pixelHeight, scale * pixelWidth]
}

/** Everything that the page states in numbers, with what is needed to state it again. */
function numbers(store: Store, derived: Derived, size: readonly [number, number]) {
  const { picture, manifest, result } = store.session
  const { classIndex, leftOut, threshold, spacingMm, centre } = store.settings
  const consensus = derived.consensus()!
  const raters = derived.raters()
  const count = derived.blend()!.count
  const scores = raters.length > 0 ? scoresOf(derived.chosen(), consensus, raters, size, spacingMm) : null
  const measured = (mask: Uint8Array) => measureMask(mask, size, spacingMm)
  return {
    image: { name: picture!.name, height: size[0], width: size[1], spacingMm },
    model: {
      method: manifest!.method.name,
      dataset: manifest!.training.dataset,
      class: manifest!.classes[classIndex]!.name,
    },
    run: {
      seed: result!.seed,
      samples: result!.classes[0]!.samples.length,
      centre,
      seconds: result!.seconds,
    },
    blend: {
      leftOut,
      masks: count,
      ...(count > 1 ? { votes: votesNeeded(threshold, count) } : { threshold }),
    },
    unit: spacingMm ? 'mm' : 'pixel',
    consensus: measured(consensus),
    samples: result!.classes[classIndex]!.samples.map(measured),
    raters: raters.map(measured),
    ...(scores && {
      scores: Object.fromEntries(
        [...scores.consensus, ...scores.sets].map(({ id, value }) => [
          id,
          Number.isNaN(value) ? null : value,
        ]),
      ),
    }),
    notice: 'Research use only',
  }
}
