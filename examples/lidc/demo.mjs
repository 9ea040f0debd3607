// Trains a small AR-Seg and a U-Net on the bundled CT crops and compares them on unseen patients.
// `npm run demo` runs it after set-up; every step is a command that you can type yourself.
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const septum = join(root, 'packages/septum/bin/septum.mjs')
const out = join('runs', 'demo')

function step(title, ...args) {
  console.log(`\n${title}\n$ septum ${args.join(' ')}`)
  const { status } = spawnSync(process.execPath, [septum, ...args], { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

const run = (name) => join(out, name)
// A finished or half-finished demo is begun again, so that its times are those of one sitting.
if (existsSync(join(root, out))) rmSync(join(root, out), { recursive: true })

const started = Date.now()
step(
  '1/3  AR-Seg learns to write masks as tokens, then to predict them from the image',
  'train',
  '--config',
  'examples/lidc/ar-seg.yaml',
  '--out',
  run('ar-seg'),
)
step(
  '2/3  A U-Net gets the same images and minutes',
  'train',
  '--config',
  'examples/lidc/unet.yaml',
  '--out',
  run('unet'),
)
step(
  '3/3  Both on patients that neither has seen: 16 masks an image from AR-Seg, one from the U-Net',
  'report',
  run('ar-seg'),
  run('unet'),
  '--out',
  out,
  '--title',
  'Lung nodules, four radiologists, sixteen hypotheses',
)
console.log(`\nThe demo took ${((Date.now() - started) / 60_000).toFixed(1)} minutes.`)
