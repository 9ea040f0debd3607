import { rand, stack, tensor } from '@septum/torch'
import {
  compare,
  finish,
  milliseconds,
  Neighbours,
  number,
  ourFacts,
  printHeader,
  printTargets,
  table,
  timed,
} from './measure.mjs'
import { PythonSide } from './python.mjs'

/** Binary masks [N, 1, side, side], uint8, a disc each: what bench/python draws. */
export function discMasks(count, side) {
  const one = (i) => {
    const [y, x, r] = [
      side * (0.3 + 0.05 * (i % 8)),
      side * (0.7 - 0.05 * (i % 8)),
      side * (0.07 + 0.02 * (i % 8)),
    ]
    const inside = (at) => ((Math.floor(at / side) - y) ** 2 + ((at % side) - x) ** 2 < r * r ? 1 : 0)
    return tensor(
      Float32Array.from({ length: side * side }, (_, at) => inside(at)),
      { shape: [1, side, side], dtype: 'uint8' },
    )
  }
  return stack(Array.from({ length: count }, (_, i) => one(i)))
}

export function trainingBatch(count, side, step = 0) {
  const cases = Array.from({ length: count }, (_, i) => `case${i}`)
  return { images: rand([count, 1, side, side]), masks: discMasks(count, side), cases, step }
}

/**
 * Measures training steps of both sides in turn.
 * @param variants {name, step, script, args, parameters, least, memory, reason}: `least` is the ratio to reach, `memory` the
 * most of Python's peak memory that the whole process may take
 */
export async function compareTraining(name, title, options, variants, reason) {
  const results = []
  const targets = []
  const rows = [['', 'ours', 'Python', 'ratio', 'fastest', 'rounds']]
  let neighbours
  for (const [index, variant] of variants.entries()) {
    const python = await PythonSide.start(
      variant.script,
      [...variant.args, '--steps', options.steps, '--warmup', options.warmup],
      options,
    )
    if (index === 0) printHeader(title, python.facts)
    if (variant.parameters !== python.facts.parameters) {
      throw new Error(
        `ours has ${variant.parameters} trained parameters, Python's ${python.facts.parameters}`,
      )
    }
    try {
      neighbours ??= new Neighbours([python.pid])
      timed(variant.step, options.warmup)
      const [ours, theirs] = [[], []]
      let peakRss = 0
      for (let round = 0; round < options.rounds; round++) {
        ours.push(timed(variant.step, options.steps))
        const answer = await python.block()
        theirs.push(answer.seconds)
        peakRss = answer.peak_rss
        const { ratio } = compare([ours.at(-1)], [theirs.at(-1)])
        console.error(`${variant.name}, round ${round + 1} of ${options.rounds}: ratio ${ratio.toFixed(3)}`)
      }
      const found = compare(ours, theirs)
      const { min, max } = found.ratioOfRounds
      rows.push([
        variant.name,
        milliseconds(found.ours),
        milliseconds(found.python),
        number(found.ratio),
        number(found.ratioOfFastest),
        `${number(min)} to ${number(max)}`,
      ])
      if (variant.least)
        targets.push({
          name: `${variant.name}, times as fast as Python`,
          value: found.ratio,
          bound: 'at least',
          limit: variant.least,
        })
      const peak = ourFacts().peakRss
      if (variant.memory)
        targets.push({
          name: `${variant.name}, peak memory of the process, share of Python's`,
          value: peak / peakRss,
          bound: 'at most',
          limit: variant.memory,
        })
      results.push({
        variant: variant.name,
        parameters: variant.parameters,
        ...found,
        peakRss: { ours: peak, python: peakRss },
      })
      variant.blas = python.facts.blas
      variant.torch = python.facts.torch
    } finally {
      python.stop()
    }
  }
  console.log(table(rows))
  console.log('\nTimes are medians of all steps (fastest to slowest); the ratio is Python / ours.\n')
  printTargets(targets)
  const { libtorch, blas } = ourFacts()
  finish(name, options, neighbours, {
    libtorch: { ours: libtorch, python: variants[0].torch },
    blas: { ours: blas, python: variants[0].blas },
    results,
    targets,
    reason,
  })
}
