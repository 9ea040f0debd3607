import { theme } from '../ui/theme.js'
import { listRuns, runDetail, Unavailable } from './api.js'
import { curves } from './curves.js'
import { follow } from './follow.js'
import { pictures } from './pictures.js'
import { runsList } from './runs-list.js'
import { settingsTable } from './settings-table.js'
import { MOST_COMPARED, PageState } from './state.js'
import { summary } from './summary.js'

const page = new URL('.', document.baseURI)
const state = new PageState()

/** How often the list is asked for; the runs that are shown tell by themselves. */
const LIST_MS = 4000

const ends = new Map<string, () => void>()

/** Lists in which a run that is shown was missing. */
const missed = new Map<string, number>()

/** Shows these runs, the first in detail. The address names them, so that it can be kept. */
function choose(ids: readonly string[]): void {
  state.shown = ids.slice(0, MOST_COMPARED)
  for (const [id, end] of ends) {
    if (state.shown.includes(id)) continue
    end()
    ends.delete(id)
    state.data.delete(id)
  }
  for (const id of state.shown) {
    if (!ends.has(id)) ends.set(id, watch(id))
  }
  const hash = `#${state.shown.map(encodeURIComponent).join(',')}`
  if (location.hash !== hash) history.replaceState(null, '', hash)
  state.changed()
}

function watch(id: string): () => void {
  const data = state.dataOf(id)
  void runDetail(page, id)
    .then((detail) => state.details.set(id, detail))
    .catch(() => {})
    .finally(() => state.changed())
  return follow(page, id, {
    onEvents(events) {
      for (const event of events) data.take(event)
      state.changed()
    },
    onConnection(connected) {
      data.connected = connected
      state.changed()
    },
  })
}

async function refresh(): Promise<void> {
  try {
    const { runs, left } = await listRuns(page)
    Object.assign(state, { runs, left, problem: null, loaded: true })
    const known = new Set(runs.map(({ id }) => id))
    for (const id of state.shown) missed.set(id, known.has(id) ? 0 : (missed.get(id) ?? 0) + 1)
    // A run that has just begun may not be in the first list.
    const kept = state.shown.filter((id) => missed.get(id)! < 2)
    if (kept.length === 0 && runs.length > 0)
      choose([(runs.find((run) => run.state === 'running') ?? runs[0]!).id])
    else if (kept.length !== state.shown.length) choose(kept)
    // One that ended is resumed by another process: its events must be asked for again.
    for (const id of state.shown) {
      const told = state.dataOf(id).run
      const now = runs.find((run) => run.id === id)
      if (told?.state === 'finished' && now && now.state !== 'finished') {
        ends.get(id)?.()
        ends.set(id, watch(id))
      }
    }
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    state.problem = error.message
  }
  state.changed()
}

theme()
for (const view of [
  runsList(state, choose),
  summary(state),
  curves(state),
  pictures(state, page),
  settingsTable(state),
])
  state.onChange(view)

const named = () => location.hash.slice(1).split(',').filter(Boolean).map(decodeURIComponent)
addEventListener('hashchange', () => choose(named()))
const wanted = named()
if (wanted.length > 0) choose(wanted)
await refresh()
setInterval(() => void refresh(), LIST_MS)
document.documentElement.dataset.ready = 'true'
