import type { PublishedRow } from './types.js'

/** Names that M2SNet's tables print, and ours. */
const ours: Readonly<Record<string, string>> = {
  'U-Net': 'unet',
  'U-Net++': 'unet-plus-plus',
  'Attention U-Net': 'attention-unet',
  UTNet: 'utnet',
  TransUNet: 'transunet',
  PraNet: 'pranet',
  'Inf-Net': 'infnet',
  'BCS-Net': 'bcsnet',
  ACSNet: 'acsnet',
  MSNet: 'msnet',
  M2SNet: 'm2snet',
}

export const methodOf = (label: string): string | null => ours[label] ?? null

/** A row read in the table of the paper. */
export function row(label: string, values: readonly number[], spread?: readonly number[]): PublishedRow {
  return { label, method: methodOf(label), values, ...(spread ? { spread } : {}), origin: 'paper' }
}

/** A row in per cent as fractions. */
export function percent(label: string, values: readonly number[], spread?: readonly number[]): PublishedRow {
  const fraction = (value: number) => Number((value / 100).toFixed(6))
  return row(label, values.map(fraction), spread?.map(fraction))
}
