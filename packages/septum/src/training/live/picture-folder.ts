import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { writePng } from '../../formats/index.js'
import { contactSheet } from './contact-sheet.js'
import type { ShownCase } from './shown-cases.js'

/** A sheet of validation cases that was written. */
export interface WrittenSheet {
  /** Inside the run's folder, with `/`. */
  readonly file: string
  readonly cases: readonly string[]
  readonly tile: readonly [number, number]
}

/** Writes `pictures/PHASE-STEP.png` of a run. @throws SeptumError `write-failed`. */
export async function writeSheet(
  dir: string,
  phase: string,
  step: number,
  cases: readonly ShownCase[],
): Promise<WrittenSheet> {
  const { picture, tile } = contactSheet(cases)
  const name = `${phase.replaceAll(/[^A-Za-z0-9-]+/g, '-')}-${String(step).padStart(7, '0')}.png`
  mkdirSync(join(dir, 'pictures'), { recursive: true })
  await writePng(join(dir, 'pictures', name), picture)
  return { file: `pictures/${name}`, cases: cases.map((each) => each.name), tile }
}
