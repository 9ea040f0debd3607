import type { LayerCost } from '../../methods/profile.js'

/** A module with everything inside it. */
export interface CostNode {
  /** Last part of the path; the whole path of a chain of modules that hold one thing each. */
  readonly name: string
  readonly path: string
  /** Class of a layer; empty for a group. */
  readonly kind: string
  readonly parameters: number
  readonly macs: number
  /** Of a layer: calls in one pass, and the shape of its last output. */
  readonly calls: number
  readonly output: readonly number[] | null
  readonly children: readonly CostNode[]
}

interface Growing {
  readonly name: string
  readonly path: string
  layer: LayerCost | null
  readonly children: Map<string, Growing>
}

/** Layers as a tree by module; each node has the totals of what is inside. */
export function costTree(layers: readonly LayerCost[]): CostNode {
  const root: Growing = { name: '', path: '', layer: null, children: new Map() }
  for (const layer of layers) {
    let node = root
    const parts = layer.path === '' ? [] : layer.path.split('.')
    for (const [i, name] of parts.entries()) {
      let next = node.children.get(name)
      if (!next) {
        next = { name, path: parts.slice(0, i + 1).join('.'), layer: null, children: new Map() }
        node.children.set(name, next)
      }
      node = next
    }
    node.layer = layer
  }
  return finished(root)
}

function finished({ name, path, layer, children }: Growing): CostNode {
  const inside = [...children.values()].map(finished)
  const [only] = inside
  // A group around a single thing says nothing of its own.
  if (only && inside.length === 1 && !layer && path !== '') return { ...only, name: `${name}.${only.name}` }
  const sum = (of: (node: CostNode) => number) => inside.reduce((total, node) => total + of(node), 0)
  return {
    name,
    path,
    kind: layer?.kind ?? '',
    parameters: (layer?.parameters ?? 0) + sum((node) => node.parameters),
    macs: (layer?.macs ?? 0) + sum((node) => node.macs),
    calls: layer?.calls ?? 0,
    output: layer?.output ?? null,
    children: inside,
  }
}
