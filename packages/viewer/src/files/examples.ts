import { SeptumError } from '@septum/core'
import type { Credit, OpenPicture } from './picture.js'
import { readPng } from './png.js'

/** An image that can be opened by name, wherever it lies: beside the page now, on a server later. */
export interface CatalogueEntry {
  readonly id: string
  readonly title: string
}

/** The one place that another source of images (a server's `/v1/images`) has to implement. */
export interface ImageCatalogue {
  list(): Promise<readonly CatalogueEntry[]>
  open(id: string): Promise<OpenPicture>
}

/** `examples/examples.json`, written by the build. */
interface ExampleFile {
  readonly credit: Credit
  readonly images: readonly {
    readonly id: string
    readonly title: string
    readonly image: string
    /** 8-bit PNG: bit k is set where rater k marked. */
    readonly masks: string
    readonly raters: number
  }[]
}

/** The examples that lie beside the page. @param base URL of their folder, with a slash at its end. */
export function bundledExamples(base: URL): ImageCatalogue {
  let index: Promise<ExampleFile> | undefined
  const load = () => (index ??= fetchBytes(new URL('examples.json', base)).then(parse))
  return {
    list: async () => (await load()).images.map(({ id, title }) => ({ id, title })),
    async open(id) {
      const { images, credit } = await load()
      const entry = images.find((each) => each.id === id)
      if (!entry) throw missing(id)
      const [bytes, masks] = await Promise.all(
        [entry.image, entry.masks].map((file) => fetchBytes(new URL(file, base))),
      )
      const [image, bits] = await Promise.all([readPng(bytes!, entry.image), readPng(masks!, entry.masks)])
      const raters = Array.from({ length: entry.raters }, (_, rater) =>
        Uint8Array.from(bits.data, (value) => (value >> rater) & 1),
      )
      return { name: entry.title, image, raters, credit, file: new Blob([bytes as BlobPart]) }
    },
  }
}

const parse = (bytes: Uint8Array): ExampleFile => JSON.parse(new TextDecoder().decode(bytes))

/** @throws SeptumError `viewer-missing` when the server has no such file or cannot be reached. */
export async function fetchBytes(url: URL): Promise<Uint8Array> {
  const response = await fetch(url).catch(() => undefined)
  if (!response?.ok) throw missing(url.pathname.split('/').at(-1) ?? url.pathname)
  return new Uint8Array(await response.arrayBuffer())
}

function missing(file: string): SeptumError {
  const hint = 'Check that the whole folder of the viewer was copied, and that its server still runs.'
  return new SeptumError('viewer-missing', 'A file of this page could not be loaded', hint, { file })
}
