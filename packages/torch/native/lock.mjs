// One process at a time: a lock file that names its owner, so that a dead owner's lock is recognised.
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

const pollMs = 200

/**
 * Runs `work` while holding the lock; waits while another live process holds it.
 * @template T
 * @param {string} path lock file
 * @param {() => Promise<T>} work
 * @param {(pid: number) => void} onWait called once, with the owner's process number
 * @returns {Promise<T>}
 */
export async function withLock(path, work, onWait = () => {}) {
  mkdirSync(dirname(path), { recursive: true })
  let waited = false
  while (!take(path)) {
    const owner = readOwner(path)
    if (owner && !isAlive(owner)) {
      dropStale(path, owner)
      continue
    }
    if (owner && !waited) {
      onWait(owner.pid)
      waited = true
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
  try {
    return await work()
  } finally {
    rmSync(path, { force: true })
  }
}

/** A link appears with its content or not at all, and never replaces one that is there. */
function take(path) {
  const own = `${path}.${process.pid}`
  writeFileSync(own, JSON.stringify({ pid: process.pid, started: startOf(process.pid) }))
  try {
    linkSync(own, path)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(own, { force: true })
  }
}

function readOwner(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    if (error instanceof SyntaxError) return { pid: 0, started: '' }
    throw error
  }
}

/** A process number may be in use again: its start time tells the old process from the new one. */
function isAlive({ pid, started }) {
  if (!(pid > 0)) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (error.code === 'ESRCH') return false // EPERM: alive, but another user's
  }
  return startOf(pid) === started
}

/** Start time in clock ticks since boot (proc(5), field 22); empty where that cannot be read. */
function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}

/** Two processes may see the same stale lock: only the one that moves that very lock away deletes it. */
function dropStale(path, owner) {
  const aside = `${path}.stale.${process.pid}`
  try {
    renameSync(path, aside)
  } catch (error) {
    if (error.code === 'ENOENT') return
    throw error
  }
  const moved = readOwner(aside)
  if (moved && moved.pid !== owner.pid) {
    try {
      linkSync(aside, path)
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
  }
  rmSync(aside, { force: true })
}
