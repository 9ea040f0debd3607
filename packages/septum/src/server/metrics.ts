type Labels = Readonly<Record<string, string | number>>

/** Upper bounds in seconds. */
const BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300] as const

interface Histogram {
  readonly counts: number[]
  sum: number
  count: number
}

const keyOf = (name: string, labels: Labels): string => {
  const parts = Object.entries(labels).map(
    ([key, value]) => `${key}="${String(value).replaceAll(/["\\\n]/g, '_')}"`,
  )
  return parts.length > 0 ? `${name}{${parts.join(',')}}` : name
}

const about: Readonly<Record<string, readonly [type: string, help: string]>> = {
  septum_requests_total: ['counter', 'HTTP requests by route, method and status.'],
  septum_request_seconds: ['histogram', 'Time from a request to the head of its response.'],
  septum_jobs_total: ['counter', 'Jobs by how they ended.'],
  septum_job_seconds: ['histogram', 'Time that a job ran.'],
  septum_job_wait_seconds: ['histogram', 'Time that a job waited for its turn.'],
  septum_upload_bytes_total: ['counter', 'Bytes of uploads.'],
  septum_worker_restarts_total: ['counter', 'Workers started after one ended.'],
  septum_jobs_waiting: ['gauge', 'Jobs that wait, uploads included.'],
  septum_jobs_running: ['gauge', 'Jobs that run.'],
  septum_jobs_kept: ['gauge', 'Finished jobs whose results are kept.'],
  septum_resident_bytes: ['gauge', 'Resident memory by process.'],
}

/** Counters and histograms in the text format of Prometheus (version 0.0.4). */
export class Metrics {
  private readonly counters = new Map<string, Map<string, number>>()
  private readonly histograms = new Map<string, Map<string, Histogram>>()

  count(name: string, labels: Labels = {}, by = 1): void {
    const series = this.counters.get(name) ?? new Map<string, number>()
    this.counters.set(name, series)
    const key = keyOf(name, labels)
    series.set(key, (series.get(key) ?? 0) + by)
  }

  observe(name: string, seconds: number): void {
    const series = this.histograms.get(name) ?? new Map<string, Histogram>()
    this.histograms.set(name, series)
    const histogram = series.get('') ?? { counts: BUCKETS.map(() => 0), sum: 0, count: 0 }
    series.set('', histogram)
    BUCKETS.forEach((bound, i) => {
      if (seconds <= bound) histogram.counts[i]!++
    })
    histogram.sum += seconds
    histogram.count++
  }

  /** @param gauges values of the moment, by name and labels. */
  render(gauges: readonly (readonly [name: string, labels: Labels, value: number])[]): string {
    const lines: string[] = []
    const head = (name: string) => {
      const [type, help] = about[name] ?? ['untyped', name]
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`)
    }
    for (const [name, series] of this.counters) {
      head(name)
      for (const [key, value] of series) lines.push(`${key} ${value}`)
    }
    for (const [name, series] of this.histograms) {
      head(name)
      for (const { counts, sum, count } of series.values()) {
        BUCKETS.forEach((bound, i) => {
          lines.push(`${name}_bucket{le="${bound}"} ${counts[i]}`)
        })
        lines.push(`${name}_bucket{le="+Inf"} ${count}`, `${name}_sum ${sum}`, `${name}_count ${count}`)
      }
    }
    let last = ''
    for (const [name, labels, value] of gauges) {
      if (name !== last) head(name)
      last = name
      lines.push(`${keyOf(name, labels)} ${value}`)
    }
    return `${lines.join('\n')}\n`
  }
}
