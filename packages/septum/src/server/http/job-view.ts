import type { Job } from '../jobs/job.js'
import type { ServedModel } from '../models.js'
import type { JobView } from './schemas.js'
import { typeOfFile } from './send-file.js'

const kinds = { samples: 'sample', probability: 'probability', uncertainty: 'uncertainty' } as const

/** A job as clients see it. */
export function jobView(job: Job, { manifest }: ServedModel): JobView {
  const { id, model, state, progress, created, error, result } = job
  return {
    id,
    model: model.id,
    state,
    progress,
    created: new Date(created).toISOString(),
    ...(error && { error }),
    ...(result && {
      result: {
        size: [...result.size],
        ...(result.spacingMm && { spacingMm: [...result.spacingMm] }),
        windows: result.windows,
        hypotheses: result.hypotheses,
        seconds: result.seconds,
        classes: result.classes.map(({ samplesRange, ...rest }) => ({
          ...rest,
          ...(samplesRange && { samplesRange: [...samplesRange] }),
        })),
        files: result.files.map((file) => ({
          kind: kinds[file.split('/')[0] as keyof typeof kinds] ?? 'mask',
          href: `/v1/jobs/${id}/files/${file.split('/').map(encodeURIComponent).join('/')}`,
          type: typeOfFile(file),
        })),
        notice: manifest.notice,
      },
    }),
  }
}
