import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Reporter, SeptumError, silentReporter } from '@septum/core'
import sharp from 'sharp'

/** A folder of made-up pictures that a test fills and removes. */
export class Folder {
  readonly dir = mkdtempSync(join(tmpdir(), 'septum-data-'))

  text(name: string, content: string | Uint8Array): this {
    const file = join(this.dir, name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content)
    return this
  }

  /** A picture of one channel, or of three when values come in triples for each pixel. */
  async picture(
    name: string,
    [height, width]: readonly [number, number],
    values: ArrayLike<number>,
  ): Promise<this> {
    const channels = (values.length / (height * width)) as 1 | 3
    const image = sharp(Uint8Array.from(values), { raw: { width, height, channels } })
    const space = image.toColourspace(channels === 1 ? 'b-w' : 'srgb')
    const encoded = /\.jpe?g$/.test(name) ? space.jpeg({ quality: 80 }) : space.png()
    return this.text(name, await encoded.toBuffer())
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true })
  }
}

/** Collects what a library reports. */
export function listeningReporter(): Reporter & { readonly lines: string[] } {
  const lines: string[] = []
  return { ...silentReporter, lines, info: (text) => lines.push(text), warn: (text) => lines.push(text) }
}

/** The SeptumError that a promise ends with; anything else fails. */
export async function problemOf(work: Promise<unknown>): Promise<SeptumError> {
  try {
    await work
  } catch (error) {
    if (error instanceof SeptumError) return error
    throw error
  }
  throw new Error('expected a SeptumError')
}
