import { SeptumError } from '@septum/core'
import { arSeg } from './ar-seg/index.js'
import type { Method } from './method.js'
import { unet } from './unet/index.js'

/** Every method of the toolkit, in the order of `septum methods`. */
export const methods: readonly Method<never>[] = [arSeg, unet] as unknown as readonly Method<never>[]

/** @throws SeptumError `unknown-method` that lists what there is. */
export function methodByName(name: string): Method<unknown> {
  const found = methods.find((method) => method.name === name)
  if (!found) {
    throw new SeptumError(
      'unknown-method',
      `There is no method named '${name}'`,
      `Choose one of: ${methods.map((m) => m.name).join(', ')}.`,
    )
  }
  return found as unknown as Method<unknown>
}

export type * from './method.js'
