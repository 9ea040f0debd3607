/**
 * Weight of classifier-free guidance at scale k, growing linearly from 0 at the coarsest to `strength` at
 * the finest scale (VAR section 9.4). A single scale gets all of it.
 * @param k scale from 0. @param scales number of scales K.
 */
export function guidanceWeight(strength: number, k: number, scales: number): number {
  return scales > 1 ? (strength * k) / (scales - 1) : strength
}

/**
 * Classifier-free guidance, (1 + t) conditional - t unconditional, as a new array of the same length.
 * @param conditional logits under the class. @param unconditional logits under the "no class" token.
 */
export function guide(conditional: Float32Array, unconditional: Float32Array, weight: number): Float32Array {
  const guided = new Float32Array(conditional.length)
  for (let i = 0; i < guided.length; i++) {
    guided[i] = (1 + weight) * conditional[i]! - weight * unconditional[i]!
  }
  return guided
}
