/**
 * One cycle for each strongly connected group of files (Tarjan, SIAM J. Comput. 1 (1972) 146-160).
 * @param {Map<string, string[]>} graph file -> files it imports; unknown targets are ignored
 * @returns {string[][]} files in the order in which they import each other
 */
export function cyclesOf(graph) {
  const index = new Map()
  const low = new Map()
  const stack = []
  const groups = []
  const visit = (file) => {
    index.set(file, index.size)
    low.set(file, index.get(file))
    stack.push(file)
    for (const next of graph.get(file)) {
      if (!graph.has(next)) continue
      if (!index.has(next)) {
        visit(next)
        low.set(file, Math.min(low.get(file), low.get(next)))
      } else if (stack.includes(next)) low.set(file, Math.min(low.get(file), index.get(next)))
    }
    if (low.get(file) === index.get(file)) groups.push(new Set(stack.splice(stack.indexOf(file))))
  }
  for (const file of graph.keys()) if (!index.has(file)) visit(file)
  return groups.map((group) => shortestCycle(graph, group)).filter((cycle) => cycle !== undefined)
}

/** Breadth-first from the group's first file back to itself. */
function shortestCycle(graph, group) {
  const [start] = [...group].sort()
  const queue = [[start]]
  const seen = new Set()
  for (const path of queue) {
    for (const next of graph.get(path.at(-1))) {
      if (next === start) return path
      if (!group.has(next) || seen.has(next)) continue
      seen.add(next)
      queue.push([...path, next])
    }
  }
  return undefined
}
