import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writePng } from '../formats/write.js'
import { runFake } from './test-support/fake-cli.js'

let folder: string
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'septum-evaluate-'))
  for (const [name, marks] of [
    ['ref', [1, 1, 0, 0]],
    ['good', [1, 1, 0, 0]],
    ['poor', [1, 0, 0, 1]],
  ] as const) {
    mkdirSync(at(name))
    for (const one of ['a', 'b'])
      await writePng(at(name, `${one}.png`), { data: Uint8Array.from(marks), shape: [1, 2, 2] })
  }
})
afterEach(() => rmSync(folder, { recursive: true }))

const at = (...names: string[]) => join(folder, ...names)

describe('evaluate folders', () => {
  it('scores one method against a folder, and names the next step', async () => {
    const { code, stdout } = await runFake(['evaluate', at('poor'), at('ref'), '--metrics', 'dice'])
    expect(code).toBe(0)
    // 2 x 1 / (2 + 2) in both cases.
    expect(stdout).toContain('Dice ↑  0.500 [0.500, 0.500]  0.000   0.500      2')
    expect(stdout.trimEnd().split('\n').at(-1)).toBe(
      `Next: septum evaluate ${at('poor')} ${at('ref')} --out evaluation`,
    )
  })

  it('compares several, named, and writes a report', async () => {
    const out = at('out')
    const argv = ['evaluate', `ours=${at('good')}`, at('poor'), '--reference', at('ref'), '--out', out]
    const { code, stdout } = await runFake(argv)
    expect(code).toBe(0)
    expect(stdout).toMatch(/metric +ours +poor/)
    expect(stdout).toMatch(/Dice +ours, poor +0\.500 \[0\.500, 0\.500\] +2\/0/)
    expect(stdout).toContain('Ranking by Dice: 1 ours [1, 1], 2 poor [2, 2]')
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain('Do the methods differ?')
    expect(existsSync(join(out, 'comparisons.csv'))).toBe(true)
  })

  it('ends with 1 when a case could not be scored, and writes the rest', async () => {
    writeFileSync(at('good', 'b.png'), 'no picture')
    const out = at('scores.csv')
    const { code, stdout, stderr } = await runFake(['evaluate', at('good'), at('ref'), '--out', out])
    expect(code).toBe(1)
    expect(stderr).toMatch(/warning: case b: .*good\/b\.png/)
    expect(stdout).toContain('1 case could not be scored')
    expect(readFileSync(out, 'utf8').trim().split('\r\n')).toHaveLength(2)
  })

  it('with --complete ends with 1 when a prediction is missing, without it with 0', async () => {
    rmSync(at('good', 'b.png'))
    const argv = ['evaluate', at('good'), at('ref')]
    const lenient = await runFake(argv)
    expect([lenient.code, lenient.stderr]).toEqual([
      0,
      expect.stringContaining('1 reference has no prediction'),
    ])
    expect((await runFake([...argv, '--complete'])).code).toBe(1)
  })

  it.each([
    [['good', 'poor', 'ref'], [], /nobody can tell which one holds the references/],
    [['good', 'good'], ['--reference', 'ref'], /Two methods are called good/],
    [['good', 'ref'], ['--classes', 'x'], /names no class and label value/],
    [['good', 'ref'], ['--threshold', 'half'], /at least 0 is expected/],
    [['good', 'ref'], ['--kind', 'pictures'], /--kind/],
    [['good', 'ref'], ['--split', 'test'], /has no splits/],
  ])('%j %j is wrong usage', async (folders, options, message) => {
    const own = options.map((word) => (word === 'ref' ? at(word) : word))
    const { code, stderr } = await runFake(['evaluate', ...folders.map((name) => at(name)), ...own])
    expect(stderr).toMatch(message)
    expect(code).toBe(2)
  })
})
