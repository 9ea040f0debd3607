/** Three significant digits, no more than two decimals: 1.23, 12.3, 1,234. */
export function short(value: number): string {
  if (Number.isNaN(value)) return 'undefined'
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toLocaleString('en-GB', { maximumFractionDigits: digits })
}

/** Scores between 0 and 1. */
export const score = (value: number): string => (Number.isNaN(value) ? 'undefined' : value.toFixed(3))

export const lengthUnit = (spacing: readonly number[] | null): string => (spacing ? 'mm' : 'px')
export const areaUnit = (spacing: readonly number[] | null): string => (spacing ? 'mm²' : 'px')

/** An area with its unit; a mask of nothing is called so. */
export const areaText = (area: number, spacing: readonly number[] | null): string =>
  area === 0 ? 'empty' : `${short(area)} ${areaUnit(spacing)}`

export const percent = (share: number): string => `${Math.round(share * 100)} %`

/** `4x4` of a stage as people write it. */
export const sides = (name: string): string => name.replace('x', ' × ')

/** The size of a structure in a volume: millilitres, or voxels where nobody knows how large they are. */
export function volumeText({ samples, volumeMm3 }: { samples: number; volumeMm3?: number }): string {
  if (samples === 0) return 'none'
  if (volumeMm3 === undefined) return `${samples.toLocaleString('en-GB')} voxels`
  const millilitres = volumeMm3 / 1000
  return `${millilitres < 1 ? millilitres.toPrecision(3) : short(millilitres)} mL`
}
