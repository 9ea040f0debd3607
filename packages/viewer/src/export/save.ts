/** Hands a file to the browser's downloads. */
export function save(bytes: Uint8Array | Blob, name: string, type: string): void {
  const blob = bytes instanceof Blob ? bytes : new Blob([bytes as BlobPart], { type })
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  // The download reads the address after this turn.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}

/** A file name from a title: letters, digits, dots and dashes. */
export const fileName = (title: string): string =>
  title
    .replace(/\.(png|jpe?g|nii|nii\.gz|dcm)(?=$|, )/i, '')
    .replaceAll(/[^\p{L}\p{N}.-]+/gu, '-')
    .replaceAll(/^-+|-+$/g, '') || 'image'
