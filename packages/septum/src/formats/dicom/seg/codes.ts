/** A coded concept (DICOM PS3.3 section 8). */
export interface Code {
  readonly value: string
  /** `SCT` SNOMED CT, `DCM` DICOM. */
  readonly scheme: string
  readonly meaning: string
}

const sct = (value: string, meaning: string): Code => ({ value, scheme: 'SCT', meaning })

const TISSUE = sct('85756007', 'Tissue')
const ANATOMY = sct('123037004', 'Anatomical Structure')
const ABNORMAL = sct('49755003', 'Morphologically Abnormal Structure')

/** Categories and types of PS3.16 (CID 7150 and those it names) by a word of the class name. */
const known: readonly [word: RegExp, category: Code, type: Code][] = [
  [/\b(tumou?r|neoplasm|cancer)\b/, ABNORMAL, sct('108369006', 'Neoplasm')],
  [/\b(lesion|polyp|ulcer)s?\b/, ABNORMAL, sct('52988006', 'Lesion')],
  [/\bnodules?\b/, ABNORMAL, sct('27925004', 'Nodule')],
  [/\bmass(es)?\b/, ABNORMAL, sct('4147007', 'Mass')],
  [/\b(o?edema)\b/, ABNORMAL, sct('79654002', 'Edema')],
  [/\b(necrosis|necrotic)\b/, ABNORMAL, sct('6574001', 'Necrosis')],
  [/\bleft ventricle\b/, ANATOMY, sct('87878005', 'Left ventricle')],
  [/\bright ventricle\b/, ANATOMY, sct('53085002', 'Right ventricle')],
  [/\bleft atrium\b/, ANATOMY, sct('82471001', 'Left atrium')],
  [/\bmyocardium\b/, ANATOMY, sct('74281007', 'Myocardium')],
  [/\bheart\b/, ANATOMY, sct('80891009', 'Heart')],
  [/\bliver\b/, ANATOMY, sct('10200004', 'Liver')],
  [/\bkidneys?\b/, ANATOMY, sct('64033007', 'Kidney')],
  [/\blungs?\b/, ANATOMY, sct('39607008', 'Lung')],
  [/\bspleen\b/, ANATOMY, sct('78961009', 'Spleen')],
  [/\bpancreas\b/, ANATOMY, sct('15776009', 'Pancreas')],
  [/\bstomach\b/, ANATOMY, sct('69695003', 'Stomach')],
  [/\bbladder\b/, ANATOMY, sct('89837001', 'Bladder')],
  [/\bprostate\b/, ANATOMY, sct('41216001', 'Prostate')],
  [/\bbrain\b/, ANATOMY, sct('12738006', 'Brain')],
  [/\b(vessels?|vasculature)\b/, ANATOMY, sct('59820001', 'Blood vessel')],
]

/** Category and type of a class by its name; "Tissue" for both when no word of it is known. */
export function defaultCodes(label: string): { readonly category: Code; readonly type: Code } {
  const name = label.toLowerCase().replaceAll(/[_-]+/g, ' ')
  const found = known.find(([word]) => word.test(name))
  return found ? { category: found[1], type: found[2] } : { category: TISSUE, type: TISSUE }
}
