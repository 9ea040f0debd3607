import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'
import { readDicom, readDicomSeg } from '../../formats/dicom/index.js'
import { writeCase } from './write-case.js'

const dir = mkdtempSync(join(tmpdir(), 'septum-write-'))
afterAll(() => rmSync(dir, { recursive: true }))

it('segments of regions overlap: the whole holds the core', async () => {
  const source = fileURLToPath(new URL('../../formats/dicom/fixtures/series.zip', import.meta.url))
  const image = await readDicom(source)
  const { geometry } = image
  const size = [5, 4, 6]
  // Whole = 2 and 1, painted as 2; core = 1 over it.
  const labels = new Uint8Array(120)
  labels.set([2, 1, 1, 2], 24)
  const classes = [
    { name: 'whole', label: 2, region: [1, 2], colour: '#009e73' },
    { name: 'core', label: 1, region: [1], colour: '#e69f00' },
  ]
  const item = { size, labels, samples: [], statistics: [], ...(geometry && { geometry }) }
  const input = { name: 'case', files: [source] } as unknown as Parameters<typeof writeCase>[1]
  expect(await writeCase(dir, input, item, { classes }, 'seg')).toEqual(['case.dcm'])
  const { masks } = await readDicomSeg(join(dir, 'case.dcm'), image)
  const marked = [0, 1].map((s) =>
    Array.from({ length: 4 }, (_, i) => Number(masks.data[s * 120 + 24 + i]! > 0)),
  )
  expect(marked).toEqual([
    [1, 1, 1, 1],
    [0, 1, 1, 0],
  ])
})
