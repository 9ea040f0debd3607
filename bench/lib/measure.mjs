import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { about, threads } from '@septum/torch'
import { loadedBlas } from './python.mjs'

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

export const summary = (values) => ({
  median: median(values),
  min: Math.min(...values),
  max: Math.max(...values),
  count: values.length,
})

/** Seconds of each of `count` calls. */
export function timed(call, count) {
  return Array.from({ length: count }, () => {
    const start = performance.now()
    call()
    return (performance.now() - start) / 1000
  })
}

/**
 * Two series of rounds as one comparison. The ratio is theirs / ours: above 1, ours is faster.
 * @param ours, theirs seconds, one list a round
 */
export function compare(ours, theirs) {
  const rounds = ours.map((seconds, i) => median(theirs[i]) / median(seconds))
  const [a, b] = [summary(ours.flat()), summary(theirs.flat())]
  return {
    ours: a,
    python: b,
    ratio: b.median / a.median,
    ratioOfFastest: b.min / a.min,
    ratioOfRounds: { min: Math.min(...rounds), max: Math.max(...rounds) },
  }
}

const TICKS_PER_SECOND = 100

function processSeconds(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
  } catch {
    return 0
  }
}

const machineSeconds = () =>
  os.cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0) / 1000

/** Watches how much of the machine others use while a benchmark runs. */
export class Neighbours {
  #pids
  #start

  constructor(pids) {
    this.#pids = [process.pid, ...pids]
    this.#start = this.#now()
  }

  #now() {
    const own = this.#pids.reduce((sum, pid) => sum + processSeconds(pid), 0)
    return { others: machineSeconds() - own, wall: performance.now() / 1000 }
  }

  /** Cores that other processes kept busy on average since the start. */
  cores() {
    const now = this.#now()
    return Math.max(0, (now.others - this.#start.others) / (now.wall - this.#start.wall))
  }
}

export function machine() {
  const cpus = os.cpus()
  return {
    processor: cpus[0].model,
    cores: cpus.length,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${os.arch()}`,
    node: process.version,
  }
}

export function ourFacts() {
  return {
    libtorch: about().libtorch,
    blas: loadedBlas(),
    threads: threads(),
    peakRss: process.resourceUsage().maxRSS * 1024,
  }
}

export const number = (value, digits = 3) =>
  value.toPrecision(digits).replace(/\.?0+$/, (zeros) => (zeros.startsWith('.') ? '' : zeros))

export const milliseconds = ({ median: middle, min, max }) =>
  `${(middle * 1000).toFixed(1)} ms (${(min * 1000).toFixed(1)} to ${(max * 1000).toFixed(1)})`

/** Aligned columns. @param rows lists of texts; the first is the heading */
export function table(rows) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)))
  const line = (row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join('   ')
      .trimEnd()
  return [
    line(rows[0]),
    widths.map((width) => '-'.repeat(width)).join('   '),
    ...rows.slice(1).map(line),
  ].join('\n')
}

/** The library that computes, of a list of loaded ones: interfaces such as LAPACK's may differ. */
const computing = (libraries) =>
  libraries
    .split(', ')
    .filter((path) => !/\/lib(blas|lapack)\.so/.test(path))
    .join(', ')

export function printHeader(title, python) {
  const ours = ourFacts()
  const { processor, cores } = machine()
  console.log(`${title}\n${cores} x ${processor}`)
  console.log(`ours:   libtorch ${ours.libtorch}, threads: ${ours.threads}, BLAS ${ours.blas}`)
  if (python) console.log(`python: torch ${python.torch}, threads: ${python.threads}, BLAS ${python.blas}`)
  if (python && computing(python.blas) !== computing(ours.blas))
    console.log('WARNING: the two sides do not use the same BLAS.')
  console.log('')
}

/** A target as text: met or missed. @param targets [name, value, 'at least' | 'at most', limit] */
export function printTargets(targets) {
  for (const { name, value, bound, limit } of targets) {
    const met = bound === 'at least' ? value >= limit : value <= limit
    console.log(`${met ? 'met   ' : 'MISSED'}  ${name}: ${number(value)} (${bound} ${number(limit)})`)
  }
}

/** Prints the reason and the neighbours, writes the JSON. */
export function finish(name, options, neighbours, result) {
  const otherCores = Number(neighbours.cores().toFixed(2))
  console.log(`\n${result.reason}`)
  console.log(`\nOther processes kept ${otherCores} cores busy while this ran.`)
  if (options.out === 'none') return
  const path = options.out ?? fileURLToPath(new URL(`../results/${name}.json`, import.meta.url))
  const { threads, rounds, steps, warmup } = options
  const all = {
    name,
    date: new Date().toISOString().slice(0, 10),
    machine: machine(),
    otherCores,
    settings: { threads, rounds, steps, warmup },
    ...result,
  }
  mkdirSync(dirname(path), { recursive: true })
  const rounded = (_, value) =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value
  writeFileSync(path, `${JSON.stringify(all, rounded, 2)}\n`)
}
