import type { MedicalImage } from '../image.js'

/** A value now or later: libtorch answers at once, ONNX Runtime with a promise. */
export type Awaitable<T> = T | Promise<T>

/** Mask logits of several rows; a pixel is foreground where its logit exceeds 0. */
export interface MaskLogits {
  /** [rows, height, width], row-major, float32. The receiver owns it: the engine must not write to it again. */
  readonly data: Float32Array
  readonly height: number
  readonly width: number
}

/**
 * What the next-scale sampler asks of a trained model (AR-Seg sections 1 and 5). Token maps have the sides
 * `scales` = p_1 < ... < p_K; scale k has p_k^2 tokens in row-major order; `k` counts from 0 here. The
 * sampler calls, for each batch of rows,
 *
 *     begin, then for k = 0 .. K-1: logits(k), accept(k), [decode], finally decode, release
 *
 * and never two calls at a time on one state. An engine holds no random numbers: the same calls with the
 * same tokens must give the same logits, whatever other states are open.
 *
 * `Condition` is an encoded image with its prefix cache, shared by all rows and samples; `State` is the
 * growing key-value cache and latent map of one batch of rows.
 */
export interface NextScaleEngine<Condition, State, Image = MedicalImage> {
  /** Sides of the token maps, coarse to fine, e.g. [1, 2, 3, 4, 5, 6, 7, 8]. */
  readonly scales: readonly number[]
  /** Number of codebook entries V; tokens are in [0, V). */
  readonly vocabulary: number

  /** Runs the image encoder and the prefix once. The caller ends it with `releaseCondition`. */
  encode(image: Image): Awaitable<Condition>

  /**
   * Opens `rows` independent sequences for one image.
   * @param classIndex foreground class to draw, from 0; null is the "no class" token that classifier-free
   * guidance needs (an engine trained without it throws).
   */
  begin(condition: Condition, rows: number, classIndex: number | null): Awaitable<State>

  /** Logits of the tokens of scale k: [rows, p_k^2, V], float32, row-major, before temperature. */
  logits(state: State, k: number): Awaitable<Float32Array>

  /**
   * Takes the drawn tokens of scale k, adds them to the latent map and prepares scale k + 1.
   * @param tokens [rows, p_k^2]; the engine must copy what it keeps.
   */
  accept(state: State, k: number, tokens: Int32Array): Awaitable<void>

  /**
   * Mask of everything accepted so far (all scales: the sample; fewer: an intermediate mask).
   * @param rows decode only the first so many rows; default all.
   */
  decode(state: State, rows?: number): Awaitable<MaskLogits>

  /** Frees the state. Called exactly once for each `begin`, also after an error. */
  release(state: State): Awaitable<void>

  /** Frees an encoded image after its states. */
  releaseCondition(condition: Condition): Awaitable<void>
}
