import { type Fail, HINT_DAMAGED } from './fail.js'

/**
 * Throws `bool-value` unless every byte is 0 or 1: in C++, and so in libtorch, a truth value of any other
 * byte has undefined behaviour.
 */
export function checkBooleans(bytes: Uint8Array, tensor: string, fail: Fail): void {
  for (const byte of bytes) {
    if (byte > 1) throw fail('bool-value', `${tensor} of dtype bool holds the byte ${byte}`, HINT_DAMAGED)
  }
}
