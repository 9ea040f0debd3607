import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const script = fileURLToPath(new URL('../../../scripts/check-arrows.mjs', import.meta.url))

/** Runs the check; `violations` are its lines but the last, which counts. */
function check(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' })
  expect(stderr).toBe('')
  return { status, violations: stdout.trim().split('\n').slice(0, -1) }
}

describe('the real tree', () => {
  it('follows the arrows of the design', () => {
    expect(check()).toEqual({ status: 0, violations: [] })
  })
})

describe('small trees', () => {
  let root = ''
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'septum arrows '))
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))

  /** Writes packages/<path> and checks the tree. Files of septum may leave out `septum/src/`. */
  function checkTree(files: Record<string, string>) {
    const all: Record<string, string> = { 'index.ts': '', ...files }
    for (const [folder, name] of [
      ['core', '@septum/core'],
      ['torch', '@septum/torch'],
      ['septum', 'septum'],
      ['viewer', '@septum/viewer'],
    ]) {
      all[`${folder}/package.json`] = JSON.stringify({ name })
    }
    for (const [path, text] of Object.entries(all)) {
      const inPackage = /^(core|torch|septum|viewer)\//.test(path)
      const file = join(root, 'packages', inPackage ? path : `septum/src/${path}`)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
    }
    return check(root)
  }

  const core = "import { Random } from '@septum/core'\n"
  const torch = "import type { Tensor } from '@septum/torch'\n"

  it('passes what the table allows', () => {
    const tree = {
      'core/src/a.ts': "import { b } from './b.js'\nexport * from './b.js'\n",
      'core/src/b.ts': 'export const b = 1\n',
      'core/src/a.test.ts': "import { readFileSync } from 'node:fs'\nimport { it } from 'vitest'\n",
      'torch/src/a.ts': `${core}import { join } from 'node:path'\n`,
      'viewer/src/a.ts': `${core}import { Niivue } from '@niivue/niivue'\n`,
      'formats/read.ts': `${core}import sharp from 'sharp'\n`,
      'datasets/batch.ts': `${torch}import { read } from '../formats/read.js'\nimport type { Batch } from '../methods/method.js'\n`,
      'methods/method.ts': torch,
      'methods/unet/model.ts': `${torch}import type { Method } from '../method.js'\nimport { block } from '../../blocks/block.js'\n`,
      'methods/unet/index.ts': "export { UNet } from './model.js'\n",
      'methods/index.ts': "import { unet } from './unet/index.js'\n",
      'blocks/block.ts': torch,
      'training/loop.ts':
        "import { methods } from '../methods/index.js'\nimport { batch } from '../datasets/batch.js'\n",
      'cli/main.ts': "const { loop } = await import('../training/loop.js')\n",
    }
    expect(checkTree(tree)).toEqual({ status: 0, violations: [] })
  })

  it.each<[what: string, file: string, text: string, violation: string]>([
    [
      'core -> node:',
      'core/src/a.ts',
      "import 'node:fs'",
      'imports node:fs: @septum/core runs in browsers too',
    ],
    ['core -> fs without node:', 'core/src/a.ts', "import fs from 'fs'", 'imports fs: write node:fs'],
    ['core -> torch, types only', 'core/src/a.ts', torch, '@septum/core may not use @septum/torch'],
    ['core -> npm', 'core/src/a.ts', "import { z } from 'zod'", "may not use npm's zod"],
    ['torch -> septum', 'torch/src/a.ts', "export * from 'septum'", '@septum/torch may not use septum'],
    ['viewer -> torch', 'viewer/src/a.ts', torch, '@septum/viewer may not use @septum/torch'],
    ['viewer -> septum', 'viewer/src/a.ts', "import('septum')", '@septum/viewer may not use septum'],
    ['septum -> itself by name', 'cli/a.ts', "import { x } from 'septum'", 'imports its own files by path'],
    ['deep import', 'cli/a.ts', "import '@septum/core/dist/random.js'", 'only @septum/core itself is public'],
    [
      'path into a package',
      'cli/a.ts',
      "import '../../../core/src/a.js'",
      'another package is imported by its name',
    ],
    ['formats -> torch', 'formats/a.ts', torch, 'formats may not use @septum/torch'],
    ['blocks -> methods', 'blocks/a.ts', "import '../methods/unet/model.js'", 'blocks may not use methods'],
    [
      'datasets -> methods',
      'datasets/a.ts',
      "import '../methods/unet/model.js'",
      'datasets may not use methods',
    ],
    [
      'methods -> training',
      'methods/unet/a.ts',
      "export {\n  x,\n} from '../../training/x.js'",
      'methods may not use training',
    ],
    [
      'method -> method',
      'methods/unet/a.ts',
      "import type { A } from '../ar-seg/a.js'",
      'no other method folder',
    ],
    ['report -> training', 'report/a.ts', "import '../training/x.js'", 'report may not use training'],
    ['server -> cli', 'server/a.ts', "import '../cli/x.js'", 'server may not use cli'],
    ['a folder without a row', 'helpers/a.ts', '', 'helpers has no row'],
    ['code -> test helper', 'cli/a.ts', "import '../formats/testing.js'", 'only tests may use it'],
  ])('refuses %s', (_what, file, text, violation) => {
    const { status, violations } = checkTree({ [file]: text })
    expect(status).toBe(1)
    expect(violations).toHaveLength(1)
    expect(violations[0]).toContain(violation)
  })

  it('names file and line', () => {
    const text = "/*\n import 'node:os' */\nconst a = `\n`\nimport { z } from 'zod'\n"
    expect(checkTree({ 'core/src/sub/a.ts': text }).violations).toEqual([
      "packages/core/src/sub/a.ts:5  imports zod: @septum/core may not use npm's zod",
    ])
  })

  it('reads code, not comments, strings, templates or regular expressions', () => {
    const text = [
      "// import 'node:a'",
      'const a = \'import "node:b"\' + "import \'node:c\'"',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the nested template is the point
      "const b = `import 'node:d' ${a + `${{ a }} import 'node:e'`} import 'node:f'`",
      `const c = /['"\`]/.test(a) ? 4 / 2 : "import 'node:g'".length / 2`,
      `const d = /[/'"]\\//g`,
      "import 'node:seen'",
    ].join('\n')
    const { violations } = checkTree({ 'core/src/a.ts': text })
    expect(violations).toHaveLength(1)
    expect(violations[0]).toContain('a.ts:6  imports node:seen')
  })

  it('finds a cycle once and follows neither types nor dynamic imports', () => {
    const { violations } = checkTree({
      'core/src/a.ts': "import { b } from './b.js'",
      'core/src/b.ts': "export * from './sub/c.js'",
      'core/src/sub/c.ts': "import '../a.js'",
      'core/src/d.ts': "import type { E } from './e.js'",
      'core/src/e.ts': "import { d } from './d.js'",
      'core/src/f.ts': "import('./g.js')",
      'core/src/g.ts': "import './f.js'",
    })
    expect(violations).toEqual(['packages/core/src/a.ts:1  is in a cycle: a.ts -> b.ts -> sub/c.ts -> a.ts'])
  })
})
