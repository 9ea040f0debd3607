import { describe, expect, it } from 'vitest'
import { problemOf } from '../../datasets/testing.js'
import { joinClasses } from './classes.js'

const polyps = { name: 'polyps', classes: ['polyp'] }
const lungs = { name: 'lungs', classes: ['infection', 'lung'] }
const more = { name: 'more', classes: ['lung', 'polyp'] }
const shown = (labels: Uint8Array) => [...labels.subarray(0, 4), labels[255]]

describe('classes of several data sets', () => {
  it('are one where none has more than one class', () => {
    const joint = joinClasses([polyps, { name: 'busi', classes: ['lesion'] }], 'auto')
    expect(joint).toMatchObject({ rule: 'one', classes: ['target'] })
    for (const { labels, annotated } of joint.parts) {
      expect(shown(labels)).toEqual([0, 1, 1, 1, 255])
      expect(annotated).toEqual([0])
    }
    expect(joinClasses([polyps, { ...polyps, name: 'b' }], 'auto').classes).toEqual(['polyp'])
  })

  it('keep their names where one has several: equal names are one class', () => {
    const { rule, classes, parts } = joinClasses([polyps, lungs, more], 'auto')
    expect(rule).toBe('named')
    expect(classes).toEqual(['polyp', 'infection', 'lung'])
    // Labels 0, 1, 2, 3 and the ignore label; labels that a data set does not have mark nothing.
    expect(parts.map(({ labels }) => shown(labels))).toEqual([
      [0, 1, 0, 0, 255],
      [0, 2, 3, 0, 255],
      [0, 3, 1, 0, 255],
    ])
    expect(parts.map(({ annotated }) => annotated)).toEqual([[0], [1, 2], [2, 0]])
  })

  it('are one when asked for: of regions what is in any', async () => {
    const regions = { name: 'brain', classes: ['whole', 'core'], regions: [[1, 2], [2]] }
    const { classes, parts } = joinClasses([lungs, regions], 'one')
    expect(classes).toEqual(['target'])
    expect(parts.map(({ labels }) => shown(labels))).toEqual([
      [0, 1, 1, 1, 255],
      [0, 1, 1, 0, 255],
    ])
    const named = Promise.resolve().then(() => joinClasses([lungs, regions], 'named'))
    expect(await problemOf(named)).toMatchObject({ code: 'joint-classes' })
  })
})
