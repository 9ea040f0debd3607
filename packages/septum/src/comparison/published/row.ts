import type { PublishedRow } from './types.js'

/** Names that tables print, and ours. */
const ours: Readonly<Record<string, string>> = {
  'U-Net': 'unet',
  'U-Net++': 'unet-plus-plus',
  'Attention U-Net': 'attention-unet',
  'ResUNet++': 'resunet-plus-plus',
  'SKU-Net': 'sku-net',
  'NU-Net': 'nu-net',
  'PNS-Net': 'pns-net',
  'AR-Seg': 'ar-seg',
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
export function row(
  label: string,
  values: readonly (number | null)[],
  spread?: readonly (number | null)[],
): PublishedRow {
  return { label, method: methodOf(label), values, ...(spread ? { spread } : {}), origin: 'paper' }
}

/** A row in per cent as fractions. */
export function percent(
  label: string,
  values: readonly (number | null)[],
  spread?: readonly (number | null)[],
): PublishedRow {
  const fraction = (value: number | null) => (value === null ? null : Number((value / 100).toFixed(6)))
  return row(label, values.map(fraction), spread?.map(fraction))
}
