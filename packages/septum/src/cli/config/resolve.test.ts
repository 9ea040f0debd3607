import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { testMethods } from '../test-support/fake-cli.js'
import { renderConfig } from './render.js'
import { type ConfigSources, parseRunConfig, resolveConfig } from './resolve.js'
import { checkResumed } from './resume.js'

const base = 'method: ar-seg\ndata:\n  path: d\n'

function resolve(sources: Partial<ConfigSources> & { text?: string }) {
  const { text = base, ...rest } = sources
  return resolveConfig(
    { files: [{ file: 'f.yaml', text }], assignments: [], flags: [], ...rest },
    testMethods,
  ).config
}

describe('resolveConfig', () => {
  it('fills in every default', () => {
    const config = resolve({})
    expect(config).toMatchObject({
      method: 'ar-seg',
      seed: 0,
      device: 'auto',
      data: { path: 'd', splits: null },
    })
    expect(config.options).toEqual({
      depth: 8,
      sampling: { temperature: [1, 0.5, 0.1], block: 'gpt', ema: null },
      scales: [1, 2],
    })
  })

  it('lets flags win over --set, --set over the file, later files over earlier ones', () => {
    const config = resolveConfig(
      {
        files: [
          { file: 'a.yaml', text: `${base}seed: 1\nthreads: 1\noptions: {depth: 1, scales: [3]}` },
          { file: 'b.yaml', text: 'seed: 2\nthreads: 2\noptions: {depth: 2}' },
        ],
        assignments: ['seed=3', 'options.depth=4', 'options.depth=5'],
        flags: [{ path: ['seed'], value: 6, flag: '--seed 6' }],
      },
      testMethods,
    ).config
    expect(config).toMatchObject({ seed: 6, threads: 2, options: { depth: 5, scales: [3] } })
  })

  it.each([
    ['options.sampling.temperature.1=0.7', { sampling: { temperature: [1, 0.7, 0.1] } }],
    ['options.sampling.temperature.3=0.7', { sampling: { temperature: [1, 0.5, 0.1, 0.7] } }],
    ['options.sampling.temperature=[2, 3]', { sampling: { temperature: [2, 3] } }],
    ['options.sampling={block: var}', { sampling: { block: 'var', ema: null } }],
    ['options.sampling.ema=1e-3', { sampling: { ema: 0.001 } }],
    ['options.sampling.ema=null', { sampling: { ema: null } }],
  ])('--set %s', (assignment, expected) => {
    expect(resolve({ assignments: [assignment] }).options).toMatchObject(expected)
  })

  it.each([
    [
      'seed: x\n',
      [],
      'config-value',
      /^seed is "x", but a whole number of at least 0 is expected$/,
      { file: 'f.yaml:4' },
    ],
    [
      'training:\n  validateEvry: 3\n',
      [],
      'config-unknown-key',
      /training\.validateEvry/,
      { file: 'f.yaml:5' },
    ],
    [
      'options: {sampling: {temperature: [1, -1]}}',
      [],
      'config-value',
      /temperature\.1 is -1, but a number of at least 0/,
      { file: 'f.yaml:4' },
    ],
    [
      '',
      ['options.sampling.block=vor'],
      'config-value',
      /"vor", but gpt or var is expected/,
      { option: '--set options.sampling.block=vor' },
    ],
    [
      '',
      ['options.scales=[2, 1]'],
      'config-value',
      /sides must grow/,
      { option: '--set options.scales=[2, 1]' },
    ],
    [
      '',
      ['options.sampling.ema=2'],
      'config-value',
      /a number from 0 to 1 or null/,
      { option: '--set options.sampling.ema=2' },
    ],
    ['', ['trainig.steps=3'], 'config-unknown-key', /trainig/, { option: '--set trainig.steps=3' }],
    [
      '',
      ['options.__proto__.polluted=1'],
      'config-unknown-key',
      /__proto__/,
      { option: '--set options.__proto__.polluted=1' },
    ],
    [
      '',
      ['options.scales.9=1'],
      'usage-set',
      /list of 2, and 9 is no place/,
      { option: '--set options.scales.9=1' },
    ],
    ['', ['seed'], 'usage-set', /names no option/, { option: '--set seed' }],
    ['', ['seed=[1'], 'usage-set', /no valid YAML/, { option: '--set seed=[1' }],
    ['seed: 1\nseed: 2\n', [], 'config-syntax', /unique/, { file: 'f.yaml:5' }],
    ['', ['method=arseg'], 'config-method', /no method "arseg"/, { option: '--set method=arseg' }],
  ])('%j %j is %s', (text, assignments, code, message, place) => {
    expect(() => resolve({ text: base + text, assignments })).toThrow(
      expect.objectContaining({ code, place, message: expect.stringMatching(message) }),
    )
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
  })

  it.each([
    ['traning.steps.main=3', 'Did you mean training?'],
    ['options.sampling.blok=gpt', 'Did you mean options.sampling.block?'],
    // The right name at the wrong level.
    ['options.block=gpt', 'Did you mean options.sampling.block?'],
    ['options.colour=red', 'options knows depth, sampling, scales.'],
  ])('suggests for %s', (assignment, hint) => {
    expect(() => resolve({ assignments: [assignment] })).toThrow(expect.objectContaining({ hint }))
  })

  it('asks for a method and a data set', () => {
    expect(() => resolve({ text: 'seed: 1' })).toThrow(expect.objectContaining({ code: 'usage-method' }))
    expect(() => resolve({ text: 'method: unet' })).toThrow(
      expect.objectContaining({ code: 'usage-dataset' }),
    )
  })
})

describe('renderConfig', () => {
  it('writes every value in a stable order, which reads back as the same configuration', () => {
    const one = resolve({ assignments: ['training.steps.b=2', 'training.steps.a=1', 'seed=9'] })
    const other = resolve({ assignments: ['seed=9', 'training.steps.a=1', 'training.steps.b=2'] })
    const command = ['septum', 'train', 'my data', '--set', 'x=\n# y', "it's"]
    const text = renderConfig(one, '1.2.3', command)
    expect(renderConfig(other, '1.2.3', command)).toBe(text)
    expect(parseRunConfig({ file: 'config.yaml', text }, testMethods)).toEqual(one)
    expect(parse(text)).toEqual(one)
    expect(text.split('\n').slice(0, 3)).toEqual([
      '# Septum 1.2.3: the full configuration of this run, as it was resolved for',
      "# septum train 'my data' --set $'x=\\n# y' 'it'\\''s'",
      'method: ar-seg',
    ])
    expect(text).toContain('temperature: [ 1, 0.5, 0.1 ]')
  })
})

describe('checkResumed', () => {
  const before = resolve({})

  it('accepts the same settings and names harmless changes', () => {
    expect(checkResumed(before, resolve({}), 'config.yaml')).toEqual([])
    expect(
      checkResumed(before, resolve({ assignments: ['threads=3', 'training.logEvery=1'] }), 'config.yaml'),
    ).toEqual([
      'Going on with threads 3; the run began with 0',
      'Going on with training.logEvery 1; the run began with 10',
    ])
  })

  it.each(['seed=1', 'options.depth=9', 'options.scales=[1]', 'data.resize=stretch'])(
    'refuses %s',
    (assignment) => {
      expect(() => checkResumed(before, resolve({ assignments: [assignment] }), 'config.yaml')).toThrow(
        expect.objectContaining({ code: 'resume-changed' }),
      )
    },
  )
})
