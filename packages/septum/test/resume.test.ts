import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Random } from '@septum/core'
import { loadTensors, readMetadata } from '@septum/torch'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Ended,
  logOf,
  madeUpData,
  removeFolder,
  septum,
  start,
  temporaryFolder,
  tinyTraining,
  weightsOf,
} from './tiny-run.js'

let folder: string
let data: string
const run = (name: string): string => join(folder, name)
const train = (name: string, ...more: readonly string[]): string[] => tinyTraining(data, run(name), ...more)

beforeAll(async () => {
  folder = temporaryFolder()
  data = await madeUpData(join(folder, 'data'))
  const { code, stderr } = await septum(train('whole'))
  expect(stderr).not.toContain('error')
  expect(code).toBe(0)
}, 60_000)
afterAll(() => removeFolder(folder))

/** Files of a save that is under way. */
const halfWritten = (name: string): string[] => {
  const checkpoints = join(run(name), 'checkpoints')
  return existsSync(checkpoints) ? readdirSync(checkpoints).filter((file) => /\.(new|tmp)$/.test(file)) : []
}

/** Starts or resumes a run and kills it once `moment` says so. */
async function killAt(name: string, moment: () => boolean): Promise<Ended> {
  const { child, ended } = start(train(name, '--resume'))
  let over = false
  void ended.then(() => {
    over = true
  })
  while (!over && !moment()) await new Promise((resolve) => setImmediate(resolve))
  child.kill('SIGKILL')
  return ended
}

/** The checkpoints that stand after a kill can be read to their last byte. */
function expectWholeCheckpoints(name: string): void {
  const checkpoints = join(run(name), 'checkpoints')
  if (!existsSync(checkpoints)) return
  for (const file of readdirSync(checkpoints).filter((entry) => entry.endsWith('.safetensors'))) {
    for (const t of loadTensors(join(checkpoints, file)).tensors.values()) t.free()
  }
}

/** Tells one state of the newest checkpoint's file from the next. */
const savedAt = (name: string): number =>
  statSync(join(run(name), 'checkpoints', 'last.safetensors'), { throwIfNoEntry: false })?.mtimeMs ?? 0

/** Phase and step of the newest checkpoint. */
function savedStep(name: string): string {
  const file = join(run(name), 'checkpoints', 'last.safetensors')
  if (!existsSync(file)) return 'none'
  const { phase, step } = JSON.parse(readMetadata(file).septum!) as { phase: number; step: number }
  return `${phase}.${step}`
}

function expectSameAsWhole(name: string): void {
  expect(weightsOf(run(name))).toEqual(weightsOf(run('whole')))
  expect(logOf(run(name))).toEqual(logOf(run('whole')))
  expect(readdirSync(run(name)).sort()).toEqual(readdirSync(run('whole')).sort())
  expect(readdirSync(join(run(name), 'checkpoints')).sort()).toEqual(
    readdirSync(join(run('whole'), 'checkpoints')).sort(),
  )
}

describe('a run killed by SIGKILL and resumed gives the weights and the log of one that never stopped', () => {
  it('at random moments', async () => {
    const random = new Random(11)
    const stops = new Set<string>()
    // The first is killed while it starts; each later one some time after its first save.
    for (let attempt = 0; attempt < 5; attempt++) {
      const delay = (attempt === 0 ? 500 : 40) * random.uniform()
      const before = savedAt('killed')
      let since = attempt === 0 ? performance.now() : undefined
      await killAt('killed', () => {
        if (since === undefined && savedAt('killed') !== before) since = performance.now()
        return since !== undefined && performance.now() - since > delay
      })
      stops.add(savedStep('killed'))
      expectWholeCheckpoints('killed')
    }
    // The kills met different steps, or this test would prove little.
    expect(stops.size).toBeGreaterThan(2)
    expect((await septum(train('killed', '--resume'))).code).toBe(0)
    expectSameAsWhole('killed')
  })

  it('while it saves', async () => {
    const random = new Random(12)
    let left = 0
    for (let attempt = 0; attempt < 8 && left < 2; attempt++) {
      const skipped = random.int(3)
      let saving = false
      let saves = 0
      await killAt('saving', () => {
        const before = saving
        saving = halfWritten('saving').length > 0
        if (saving && !before) saves++
        return saving && saves > skipped
      })
      if (halfWritten('saving').length > 0) left++
      expectWholeCheckpoints('saving')
    }
    // At least one kill left a file half-written, or this test would prove nothing.
    expect(left).toBeGreaterThan(0)
    expect((await septum(train('saving', '--resume'))).code).toBe(0)
    expectSameAsWhole('saving')
  })
})

it('Ctrl-C saves, says how to go on and ends with 130; the resumed run is the same', async () => {
  const { child, ended } = start(train('interrupted'))
  while (!existsSync(join(run('interrupted'), 'checkpoints', 'last.safetensors'))) await sleep(5)
  child.kill('SIGINT')
  const { code, stdout, stderr } = await ended
  expect(code).toBe(130)
  expect(stderr).toContain('Ctrl-C: saving a checkpoint, then stopping.')
  expect(stdout).toMatch(/Stopped and saved after step \d+ of 24 in .*\nNext: septum train --resume --out /)
  // The command that it named: everything else comes from the run's folder.
  expect((await septum(['train', '--resume', '--out', run('interrupted')])).code).toBe(0)
  expectSameAsWhole('interrupted')
})

it('a disk that is full while saving costs nothing: the old checkpoint stands and the run can go on', async () => {
  const last = join(run('full'), 'checkpoints', 'last.safetensors')
  const first = start(train('full'))
  while (!existsSync(last)) await sleep(5)
  first.child.kill('SIGINT')
  await first.ended
  const before = readFileSync(last)
  // A limit of 100 KiB a file stands in for the disk: the checkpoint is larger, the logs are not.
  const limited = ['bash', '-c', 'ulimit -f 100; exec "$0" "$@"']
  const { code, stderr } = await septum(['train', '--resume', '--out', run('full')], limited)
  expect(code).toBe(1)
  expect(stderr).toMatch(
    /error: The checkpoint could not be saved: .* \(.*safetensors\)\.\n {2}Free space .* --resume/,
  )
  expect(stderr).not.toMatch(/^ {4}at /m)
  expect(readFileSync(last).equals(before)).toBe(true)
  expect((await septum(['train', '--resume', '--out', run('full')])).code).toBe(0)
  expectSameAsWhole('full')
})

it('resuming a finished run changes nothing and says so', async () => {
  const weights = weightsOf(run('whole'))
  const log = logOf(run('whole'))
  const { code, stderr } = await septum(['train', '--resume', '--out', run('whole')])
  expect(code).toBe(0)
  expect(stderr).toContain('The run has finished already')
  expect(weightsOf(run('whole'))).toEqual(weights)
  expect(logOf(run('whole'))).toEqual(log)
})
