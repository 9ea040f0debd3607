import { statSync } from 'node:fs'
import { SeptumError } from '@septum/core'
import { acdc } from './acdc.js'
import type { Adapter } from './adapter.js'
import { brats2021 } from './brats2021.js'
import { busi } from './busi.js'
import { chaseDb1 } from './chase-db1.js'
import { covid19Ct } from './covid19-ct.js'
import { crag } from './crag.js'
import { drive } from './drive.js'
import { dsb2018 } from './dsb2018.js'
import { glas } from './glas.js'
import { goals } from './goals.js'
import { isic } from './isic.js'
import { leftAtrium } from './left-atrium.js'
import { lidcCrops } from './lidc-crops.js'
import { lidcIdri } from './lidc-idri.js'
import { monuseg } from './monuseg.js'
import { polyps } from './polyps.js'
import { qubiq } from './qubiq.js'
import { stare } from './stare.js'
import { synapse } from './synapse.js'

export type { Adapter } from './adapter.js'

/** Public data sets that are read in the form in which they are published. */
export const adapters: readonly Adapter[] = [
  lidcCrops,
  lidcIdri,
  qubiq,
  brats2021,
  polyps,
  busi,
  covid19Ct,
  goals,
  drive,
  chaseDb1,
  stare,
  glas,
  crag,
  monuseg,
  dsb2018,
  acdc,
  leftAtrium,
  synapse,
  isic,
]

/** The adapter whose data set a folder holds, told by names of files and folders. */
export async function detectAdapter(dir: string): Promise<Adapter | undefined> {
  if (!statSync(dir).isDirectory()) return undefined
  for (const adapter of adapters) if (await adapter.recognises(dir)) return adapter
  return undefined
}

/** @throws SeptumError `layout-unknown`. */
export function findAdapter(name: string): Adapter {
  const found = adapters.find((adapter) => adapter.name === name)
  if (found) return found
  throw new SeptumError(
    'layout-unknown',
    `There is no layout "${name}"`,
    `Use folders, patients, nnunet, msd, manifest or one of ${adapters.map((one) => one.name).join(', ')}.`,
    { option: 'layout' },
  )
}
