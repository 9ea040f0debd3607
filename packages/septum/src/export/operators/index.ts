import type { Rule } from '../lowering.js'
import { layers } from './layers.js'
import { pointwise } from './pointwise.js'
import { reduction } from './reduction.js'
import { sampling } from './sampling.js'
import { shaping } from './shaping.js'

/** How every operator that the exporter knows is written, by its ATen name. */
export const rules: ReadonlyMap<string, Rule> = new Map(
  Object.entries({ ...pointwise, ...layers, ...shaping, ...reduction, ...sampling }),
)
