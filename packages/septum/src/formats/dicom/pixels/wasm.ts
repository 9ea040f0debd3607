import { createRequire } from 'node:module'
import { broken } from '../problem.js'

/** What a decoder of the codec packages says of the picture it has decoded. */
export interface CodecFrame {
  readonly width: number
  readonly height: number
  readonly bitsPerSample: number
  readonly componentCount: number
  readonly isSigned?: boolean
}

/** A decoder object in WebAssembly memory. */
export interface Codec {
  getEncodedBuffer(length: number): Uint8Array
  decode(): void
  getDecodedBuffer(): Uint8Array
  getFrameInfo(): CodecFrame
  /** 0: colours in planes (JPEG-LS only). */
  getInterleaveMode?(): number
  delete(): void
}

type CodecModule = Readonly<Record<string, new () => Codec>>
type CodecFactory = (options: Record<string, (line: string) => void>) => Promise<CodecModule>

const require = createRequire(import.meta.url)
const loaded = new Map<string, Promise<CodecModule>>()
/** What the module printed during the present call. */
let complaints: string[] = []

/** The decoded samples of a picture, 8 or 16 bits, and how its colours lie. */
export interface CodecResult extends CodecFrame {
  readonly data: Uint8Array
  readonly planes: boolean
}

/**
 * Decodes one picture with a codec in WebAssembly. A module that failed is dropped, because its memory is not to be
 * trusted any more; the next picture starts a fresh one.
 * @throws SeptumError `dicom-broken`; the codec's own words are not repeated.
 */
export async function runCodec(
  packageName: string,
  decoderName: string,
  bytes: Uint8Array,
  file: string,
): Promise<CodecResult> {
  const module = await load(packageName)
  complaints = []
  try {
    const codec = new module[decoderName]!()
    codec.getEncodedBuffer(bytes.length).set(bytes)
    codec.decode()
    if (complaints.length > 0) throw new Error('the decoder met an error')
    const data = codec.getDecodedBuffer().slice()
    const frame = { ...codec.getFrameInfo(), data, planes: codec.getInterleaveMode?.() === 0 }
    codec.delete()
    return frame
  } catch (cause) {
    loaded.delete(packageName)
    // A codec throws numbers that point into its memory.
    return broken(
      file,
      'its compressed pixel data cannot be decoded',
      cause instanceof Error ? cause : undefined,
    )
  }
}

function load(packageName: string): Promise<CodecModule> {
  const known = loaded.get(packageName)
  if (known) return known
  const factory = require(`${packageName}/decodewasmjs`) as CodecFactory
  const listen = (line: string) => {
    if (/error|warn/i.test(line)) complaints.push(line)
  }
  const started = factory({ print: listen, printErr: listen })
  loaded.set(packageName, started)
  return started
}
