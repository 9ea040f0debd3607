import type { Comparison } from '../types.js'

/** How each phase of each method trains, as rows below a row of headings. */
export function settingsRows({ methods }: Pick<Comparison, 'methods'>): string[][] {
  return [
    ['method', 'phase', 'image', 'steps', 'batch', 'optimiser', 'rate', 'augmentation'],
    ...methods.flatMap(({ name, phases, imageSize }) =>
      phases.map((phase, i) => [
        i === 0 ? name : '',
        phase.name,
        imageSize.join(' x '),
        String(phase.steps),
        String(phase.batchSize),
        phase.optimizer,
        String(phase.lr),
        phase.augmentation,
      ]),
    ),
  ]
}
