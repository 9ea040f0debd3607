import { resolve } from 'node:path'
import { readColumns } from './csv.js'
import type { Description } from './description.js'
import type { CaseFiles } from './layout.js'
import type { Problems } from './problems.js'

/** Patient of every case, by case name; without a rule each case is a patient of its own. */
export async function assignPatients(
  cases: readonly CaseFiles[],
  base: string,
  { patient: rule }: Pick<Description, 'patient'>,
  problems: Problems,
): Promise<Map<string, string>> {
  const table =
    typeof rule === 'object' ? await readColumns(resolve(base, rule.csv), rule.case, rule.patient) : undefined
  const pattern = typeof rule === 'string' ? new RegExp(rule) : undefined
  const patients = new Map<string, string>()
  for (const { name, images, patient } of cases) {
    const match = pattern?.exec(name)
    const found = table ? table.get(name) : pattern ? (match?.[1] ?? match?.[0]) : (patient ?? name)
    if (found) patients.set(name, found)
    else {
      problems.add(
        'patient-unknown',
        table
          ? 'The patient table does not list the case'
          : `The patient pattern ${rule} does not fit the case name`,
        'Correct "patient" in dataset.yaml.',
        { case: name, file: images[0]!.file },
      )
    }
  }
  return patients
}
