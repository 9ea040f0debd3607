import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { writeCase as writeBundleCase } from '../inference/output/write-case.js'
import type { PredictedCase } from './api.js'
import { writeCase } from './write-prediction.js'

const out = mkdtempSync(join(tmpdir(), 'septum-write-'))
afterAll(() => rmSync(out, { recursive: true, force: true }))

/** A picture of 2 x 2 with so many sampled masks. */
function ofRun(samples: number): PredictedCase {
  const map = new Float32Array(4)
  const masks = Array.from({ length: samples }, () => new Uint8Array(4))
  const entry = { name: 'lesion', probability: map, uncertainty: map, stages: [], raters: [], scores: {} }
  return {
    ...{ name: 'a', patient: 'a', width: 2, height: 2, image: map, channels: 1 },
    classes: [{ ...entry, samples: masks }],
  }
}

const classes = [{ name: 'lesion', label: 1, colour: '#009e73' }]
const ofBundle = (samples: number) => ({
  ...{ size: [2, 2], labels: new Uint8Array(4), statistics: [] },
  samples: Array.from({ length: samples }, () => new Uint8Array(4)),
})

const writers = [
  { by: 'run', write: (count: number) => writeCase(join(out, 'run'), ofRun(count), undefined) },
  {
    by: 'bundle',
    write: (count: number) =>
      writeBundleCase(join(out, 'bundle'), { name: 'a', files: [] }, ofBundle(count), { classes }, 'png'),
  },
]

describe.each(writers)('a case written twice by a $by', ({ by, write }) => {
  it('keeps no sample of the first time', async () => {
    await write(4)
    expect(readdirSync(join(out, by, 'samples', 'a'))).toEqual(['001.png', '002.png', '003.png', '004.png'])
    await write(2)
    expect(readdirSync(join(out, by, 'samples', 'a'))).toEqual(['001.png', '002.png'])
    await write(0)
    expect(readdirSync(join(out, by, 'samples'))).toEqual([])
  })
})
