import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { listStems } from './stems.js'

/**
 * Images of cases, for pictures: `<case>.*` or nnU-Net's `<case>_0000.*` in the folder given, or in
 * `images`, `imagesTr`, `imagesTs` beside the masks.
 */
export async function findImages(
  given: string | undefined,
  masks: string,
  names: readonly string[],
): Promise<Map<string, string>> {
  const parent = dirname(resolve(masks))
  const folder =
    given ??
    ['images', 'imagesTr', 'imagesTs'].map((name) => join(parent, name)).find((path) => existsSync(path))
  const images = new Map<string, string>()
  if (folder === undefined) return images
  const { files } = await listStems(folder)
  for (const name of names) {
    const file = files.get(name) ?? files.get(`${name}_0000`)
    if (file !== undefined) images.set(name, file)
  }
  return images
}
