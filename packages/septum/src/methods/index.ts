import { SeptumError } from '@septum/core'
import { acsnet } from './acsnet/index.js'
import { arSeg } from './ar-seg/index.js'
import { attentionUnet } from './attention-unet/index.js'
import { bcsnet } from './bcsnet/index.js'
import { infnet } from './infnet/index.js'
import { m2snet, msnet } from './m2snet/index.js'
import type { Method } from './method.js'
import { nuNet } from './nu-net/index.js'
import { pnsNet } from './pns-net/index.js'
import { pranet } from './pranet/index.js'
import { resunetPlusPlus } from './resunet-plus-plus/index.js'
import { skuNet } from './sku-net/index.js'
import { transunet } from './transunet/index.js'
import { unet } from './unet/index.js'
import { unetPlusPlus } from './unet-plus-plus/index.js'
import { utnet } from './utnet/index.js'

/** Every method of the toolkit, in the order of `septum methods`. */
export const methods: readonly Method<never>[] = [
  arSeg,
  m2snet,
  msnet,
  unet,
  unetPlusPlus,
  attentionUnet,
  utnet,
  transunet,
  resunetPlusPlus,
  skuNet,
  nuNet,
  pranet,
  infnet,
  bcsnet,
  acsnet,
  pnsNet,
] as unknown as readonly Method<never>[]

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
