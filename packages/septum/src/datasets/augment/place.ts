/** Where in a training run a draw is made. */
export interface DrawPlace {
  readonly seed: number
  /** Number of the training phase. */
  readonly stream?: number
  /** Number of the batch. */
  readonly step: number
  /** Position in the batch. */
  readonly index: number
}

/** Offset of a centre crop of `inner` in `outer`; negative when the image is smaller and must be padded. */
export const centreOffset = (outer: number, inner: number): number => Math.floor((outer - inner) / 2)
