import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentReporter } from '@septum/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backboneNames, buildBackbone } from '../build.js'
import { loadPretrained } from './pretrained.js'

const before = process.env.SEPTUM_WEIGHTS
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'septum-weights-'))
  process.env.SEPTUM_WEIGHTS = folder
})
afterAll(() => {
  if (before === undefined) delete process.env.SEPTUM_WEIGHTS
  else process.env.SEPTUM_WEIGHTS = before
  rmSync(folder, { recursive: true })
})

describe.each(backboneNames)('%s without imported weights', (name) => {
  it('says where it starts from and how to get published weights', () => {
    const said: string[] = []
    const reporter = {
      ...silentReporter,
      info: (text: string) => said.push(`info ${text}`),
      warn: (text: string) => said.push(`warn ${text}`),
    }
    const found = loadPretrained(buildBackbone(name, { width: 0.125 }), reporter)
    expect(found).toBe(false)
    expect(said).toHaveLength(1)
    expect(said[0]).toMatch(
      name === 'mobilenet-v2'
        ? // The weights that come with the project, which are of the full width.
          /^warn The encoder mobilenet-v2 starts from random weights: the published ones fit its full width only/
        : new RegExp(
            `^warn The encoder ${name} starts from random weights: published ones are not at hand\\. For published weights, get .+ and run: septum weights import FILE$`,
          ),
    )
  })
})
