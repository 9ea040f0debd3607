import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { saveTensors } from '@septum/torch'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { buildBackbone } from '../blocks/backbones/index.js'
import { runFake } from './test-support/fake-cli.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'septum-weights-'))
  process.env.SEPTUM_WEIGHTS = join(folder, 'store')
})
afterEach(() => {
  delete process.env.SEPTUM_WEIGHTS
  rmSync(folder, { recursive: true })
})

it('imports published weights, says what they are and what to type next, then lists them', async () => {
  const file = join(folder, 'resnet18.safetensors')
  saveTensors(file, buildBackbone('resnet18', { classes: 1000 }).stateDict())
  const { code, stdout } = await runFake(['weights', 'import', file])
  expect(code).toBe(0)
  // 20 convolutions and 20 norms of five tensors each; torchvision's 11,689,512 less its classifier's 513,000.
  expect(stdout).toContain(
    'resnet18: 120 tensors match, 11,176,512 parameters; 2 of its classifier left out.',
  )
  expect(stdout).toContain('--set options.encoder=resnet18')
  const listed = await runFake(['weights', 'list', '--json'])
  const { encoders } = JSON.parse(listed.stdout) as { encoders: { name: string; file: string | null }[] }
  const of = (name: string) => encoders.find((one) => one.name === name)!.file
  expect(of('resnet18')).toBe(join(folder, 'store', 'resnet18.safetensors'))
  expect(of('mobilenet-v2')).toMatch(/models.mobilenet-v2-imagenet.weights\.safetensors$/)
  expect(of('res2net50')).toBeNull()
})

it('imports the archive that TransUNet starts from, and refuses it as something else', async () => {
  const file = fileURLToPath(new URL('../methods/transunet/fixtures/r50-vit-small.npz', import.meta.url))
  const { code, stdout, stderr } = await runFake(['weights', 'import', file])
  expect([code, stderr]).toEqual([0, ''])
  // 41,496 parameters of the encoder: printed by make_npz.py. Class token, classifier and the layer before it: 5.
  expect(stdout).toContain('41,496 parameters, positions on 3 x 3; 5 of its classifier left out.')
  expect(stdout).toContain('--set options.resnetUnits=[1,2,1]')
  const listed = await runFake(['weights', 'list', '--json'])
  const { networks } = JSON.parse(listed.stdout) as { networks: object[] }
  expect(networks).toEqual([{ name: 'transunet', file: join(folder, 'store', 'transunet.safetensors') }])
  const wrong = await runFake(['weights', 'import', file, '--as', 'resnet18'])
  expect([wrong.code, wrong.stderr]).toEqual([
    2,
    'error: A .npz archive holds weights of TransUNet, not of "resnet18" (--as).\n  Leave --as out.\n',
  ])
})

it('names a wrong encoder, a foreign file and a missing one in one sentence', async () => {
  const file = join(folder, 'x.pth')
  writeFileSync(file, 'no weights')
  const wrong = await runFake(['weights', 'import', file, '--as', 'resnet19'])
  expect([wrong.code, wrong.stderr]).toEqual([
    2,
    'error: There is no image encoder "resnet19" (--as).\n  Did you mean resnet18?\n',
  ])
  const foreign = await runFake(['weights', 'import', file])
  expect(foreign.code).toBe(1)
  expect(foreign.stderr).toMatch(/^error: /)
  const missing = await runFake(['weights', 'import', join(folder, 'none.pth')])
  expect(missing.code).not.toBe(0)
  expect(missing.stderr).toMatch(/^error: .*none\.pth/)
})
