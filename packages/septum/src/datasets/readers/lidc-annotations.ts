import { SeptumError } from '@septum/core'
import type { Point } from './fill-polygon.js'
import { childText, descendants, readXml, type XmlElement } from './xml.js'

/** One outline in one slice. Coordinates are pixels of the CT slice; the outline runs just outside the nodule. */
export interface LidcOutline {
  readonly zMm: number
  /** False: what is inside is no nodule (a hole). */
  readonly inclusion: boolean
  readonly points: readonly Point[]
}

/** A nodule as one reader saw it. */
export interface LidcNodule {
  /** 0 to 3: number of the reading session in the file. It stands for no person across files. */
  readonly reader: number
  readonly id: string
  readonly outlines: readonly LidcOutline[]
}

export interface LidcAnnotations {
  readonly seriesUid: string
  readonly readers: number
  /** Nodules of 3 mm and more; smaller ones and non-nodules, which have a mark but no outline, are left out. */
  readonly nodules: readonly LidcNodule[]
}

/**
 * Reads an annotation file of LIDC-IDRI (unblinded reads, XML schema `LidcReadMessage`).
 * @throws SeptumError `xml-invalid`, `lidc-annotations` for another kind of XML.
 */
export async function readLidcAnnotations(file: string): Promise<LidcAnnotations> {
  const root = await readXml(file)
  if (root.name !== 'LidcReadMessage') {
    throw new SeptumError(
      'lidc-annotations',
      `The file holds no CT reads of LIDC-IDRI but <${root.name}>`,
      'Give the XML files that lie beside the CT series.',
      { file },
    )
  }
  const sessions = descendants(root, 'readingSession')
  const nodules = sessions.flatMap((session, reader) =>
    descendants(session, 'unblindedReadNodule').flatMap((nodule): LidcNodule[] => {
      const outlines = descendants(nodule, 'roi')
        .map(outlineOf)
        .filter(({ points }) => points.length >= 3)
      return outlines.length === 0 ? [] : [{ reader, id: childText(nodule, 'noduleID'), outlines }]
    }),
  )
  return {
    seriesUid:
      descendants(root, 'SeriesInstanceUid')[0]?.text ??
      descendants(root, 'SeriesInstanceUID')[0]?.text ??
      '',
    readers: sessions.length,
    nodules,
  }
}

function outlineOf(roi: XmlElement): LidcOutline {
  return {
    zMm: Number(childText(roi, 'imageZposition')),
    inclusion: childText(roi, 'inclusion').toUpperCase() !== 'FALSE',
    points: descendants(roi, 'edgeMap').map(
      (edge): Point => [Number(childText(edge, 'xCoord')), Number(childText(edge, 'yCoord'))],
    ),
  }
}

interface Box {
  readonly from: readonly [number, number]
  readonly to: readonly [number, number]
}

/**
 * Puts together what different readers outlined of one lesion: outlines whose tightest bounding boxes overlap in
 * some slice belong together (the rule of the Hierarchical Probabilistic U-Net's crops), and so do their nodules,
 * transitively. A reader may have two nodules in one group.
 */
export function groupNodules(nodules: readonly LidcNodule[]): LidcNodule[][] {
  const boxes = nodules.map(boxesByPosition)
  const group = nodules.map((_, index) => index)
  const find = (index: number): number => (group[index] === index ? index : find(group[index]!))
  for (let a = 0; a < nodules.length; a++) {
    for (let b = a + 1; b < nodules.length; b++) {
      if (nodules[a]!.reader === nodules[b]!.reader) continue
      if (overlap(boxes[a]!, boxes[b]!)) group[find(b)] = find(a)
    }
  }
  const groups = new Map<number, LidcNodule[]>()
  for (const [index, nodule] of nodules.entries()) {
    groups.set(find(index), [...(groups.get(find(index)) ?? []), nodule])
  }
  return [...groups.values()]
}

function boxesByPosition({ outlines }: LidcNodule): Map<number, Box[]> {
  const boxes = new Map<number, Box[]>()
  for (const { zMm, points } of outlines) {
    const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)]
    const box: Box = { from: [Math.min(...xs), Math.min(...ys)], to: [Math.max(...xs), Math.max(...ys)] }
    boxes.set(zMm, [...(boxes.get(zMm) ?? []), box])
  }
  return boxes
}

function overlap(a: ReadonlyMap<number, readonly Box[]>, b: ReadonlyMap<number, readonly Box[]>): boolean {
  return [...a].some(([z, own]) =>
    own.some((one) =>
      (b.get(z) ?? []).some((other) =>
        [0, 1].every((axis) => one.from[axis]! <= other.to[axis]! && other.from[axis]! <= one.to[axis]!),
      ),
    ),
  )
}
