import { join } from 'node:path'
import { namesIn } from '../files.js'
import { hasPatientTree, patientTree } from '../layouts/patient-tree.js'
import { splitNames } from '../splits.js'
import { defineAdapter, holds } from './adapter.js'

/** Crops of 180 x 180 pixels around lung nodules, four readers each (Kohl et al., 2019). */
export const lidcCrops = defineAdapter({
  name: 'lidc-crops',
  title: 'LIDC-IDRI crops',
  source: 'github.com/google-deepmind/deepmind-research, hierarchical_probabilistic_unet',
  licence: 'CC BY 3.0',
  citation:
    'S. Kohl et al., A hierarchical probabilistic U-Net for modeling multi-scale ambiguities, 2019; S. G. Armato III et al., Medical Physics 38 (2011) 915-931',
  split: 'the folders train, val and test: 530, 111 and 103 patients with 8,843, 1,993 and 1,980 crops',
  async recognises(dir) {
    const [part] = splitNames.filter((name) => holds(dir, name, join(name, 'images'), join(name, 'gt')))
    if (part === undefined || !hasPatientTree(dir)) return false
    return (await namesIn(join(dir, part, 'images'))).some((name) => name.startsWith('LIDC-IDRI-'))
  },
  async read(dir, _, problems) {
    const { cases, orphans } = await patientTree(dir, problems)
    return { cases, orphans, known: { classes: ['nodule'] } }
  },
})
