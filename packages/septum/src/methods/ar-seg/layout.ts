import { full, keep, type Tensor, tensor } from '@septum/torch'

/** Where each scale stands in the sequence: prefix, start token, scales 2 .. K (section 4.2, layout A). */
export interface SequenceLayout {
  readonly scales: readonly number[]
  readonly prefix: number
  /** Tokens p² of each scale. */
  readonly counts: readonly number[]
  /** Tokens of all scales together. */
  readonly tokens: number
  /** Position of the first token of each scale, counted without the prefix. */
  readonly starts: readonly number[]
  readonly context: 'all' | 'previous'
}

export function sequenceLayout(
  scales: readonly number[],
  prefix: number,
  context: 'all' | 'previous',
): SequenceLayout {
  const counts = scales.map((p) => p * p)
  const starts: number[] = []
  let tokens = 0
  for (const count of counts) {
    starts.push(tokens)
    tokens += count
  }
  return { scales, prefix, counts, tokens, starts, context }
}

/** Scale of each position: 0 for the prefix, 1 .. K. */
function levels({ prefix, counts }: SequenceLayout): number[] {
  return [
    ...new Array<number>(prefix).fill(0),
    ...counts.flatMap((count, k) => new Array<number>(count).fill(k + 1)),
  ]
}

/**
 * What a query may attend to: everything of its own scale, of earlier scales (`context: previous`: only of
 * the one before) and the prefix; the prefix sees the prefix alone.
 */
export function mayAttend(query: number, key: number, context: 'all' | 'previous'): boolean {
  return query >= key && (context === 'all' || key === 0 || key >= query - 1)
}

/** Additive attention mask [L, L]: 0 where a query may look, -Infinity elsewhere. */
export function attentionMask(layout: SequenceLayout, device: string): Tensor {
  const level = levels(layout)
  const n = level.length
  const data = new Float32Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++)
      data[i * n + j] = mayAttend(level[i]!, level[j]!, layout.context) ? 0 : Number.NEGATIVE_INFINITY
  }
  return keep(tensor(data, { shape: [n, n], device }))
}

/** Index of each token's scale, [tokens] int64. */
export function levelIndex(layout: SequenceLayout, device: string): Tensor {
  if (layout.tokens === 0) return full([0], 0, { dtype: 'int64', device })
  return keep(
    tensor(
      layout.counts.flatMap((count, k) => new Array<number>(count).fill(k)),
      { dtype: 'int64', device },
    ),
  )
}
