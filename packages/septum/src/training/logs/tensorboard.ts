import { hostname } from 'node:os'
import { join } from 'node:path'
import { BufferedFile } from './buffered-file.js'
import { maskedCrc32c } from './crc32c.js'
import { protobuf } from './protobuf.js'

export interface EventFileOptions {
  /**
   * Steps of the checkpoint that this run goes on from: TensorBoard then forgets the points that an
   * interrupted run wrote for later steps.
   */
  readonly resumedAt?: number
}

export interface PngSize {
  readonly width: number
  readonly height: number
  /** 1 grey, 3 RGB, 4 RGB with alpha. */
  readonly channels: 1 | 3 | 4
}

/**
 * Writes a TensorBoard event file: TFRecord frames around `Event` messages (tensorflow/core/util/event.proto,
 * framework/summary.proto; field numbers beside each use). Files are streamed and never rewritten: a resumed
 * run adds a file of its own.
 */
export class EventFileWriter {
  private readonly file: BufferedFile

  /** @param folder an existing folder. @throws SeptumError `log-open`. */
  constructor(folder: string, options: EventFileOptions = {}) {
    this.file = openNew(folder)
    this.event(0, protobuf.bytes(3, 'brain.Event:2')) // file_version
    if (options.resumedAt !== undefined) {
      const start = protobuf.integer(1, 1) // SessionLog.status = START
      // "Later" includes the step of the mark itself, which the run has already logged.
      this.event(options.resumedAt + 1, protobuf.bytes(7, start)) // session_log
    }
    this.flush()
  }

  get path(): string {
    return this.file.path
  }

  /** @param step steps finished, 0 or more. @throws SeptumError `log-write`. */
  scalar(tag: string, value: number, step: number): void {
    this.summary(step, protobuf.bytes(1, tag), protobuf.float(2, value)) // tag, simple_value
  }

  /** @param png an encoded PNG file. @throws SeptumError `log-write`. */
  image(tag: string, png: Uint8Array, size: PngSize, step: number): void {
    const image = protobuf.message(
      protobuf.integer(1, size.height),
      protobuf.integer(2, size.width),
      protobuf.integer(3, size.channels), // colorspace
      protobuf.bytes(4, png), // encoded_image_string
    )
    this.summary(step, protobuf.bytes(1, tag), protobuf.bytes(4, image))
  }

  /** @param text Markdown, shown on TensorBoard's text page. @throws SeptumError `log-write`. */
  text(tag: string, text: string, step: number): void {
    const plugin = protobuf.bytes(1, protobuf.bytes(1, 'text')) // SummaryMetadata.plugin_data.plugin_name
    const shape = protobuf.bytes(2, protobuf.integer(1, 1)) // TensorShapeProto.dim[0].size = 1
    const tensor = protobuf.message(
      protobuf.integer(1, 7), // dtype = DT_STRING
      protobuf.bytes(2, shape), // tensor_shape
      protobuf.bytes(8, text), // string_val
    )
    this.summary(step, protobuf.bytes(1, tag), protobuf.bytes(8, tensor), protobuf.bytes(9, plugin))
  }

  /** @throws SeptumError `log-write`. */
  flush(): void {
    this.file.flush()
  }

  /** Flushes, syncs and closes; a second call does nothing. @throws SeptumError `log-write`. */
  close(): void {
    this.file.close()
  }

  private summary(step: number, ...fields: Uint8Array[]): void {
    const value = protobuf.bytes(1, protobuf.message(...fields)) // Summary.value
    this.event(step, protobuf.bytes(5, value)) // Event.summary
  }

  private event(step: number, content: Uint8Array): void {
    const wallTime = protobuf.double(1, Date.now() / 1000)
    this.file.append(frame(protobuf.message(wallTime, protobuf.integer(2, step), content)))
  }
}

/** One TFRecord: length (uint64), masked CRC of the length, data, masked CRC of the data; little-endian. */
function frame(data: Uint8Array): Uint8Array {
  const header = Buffer.alloc(12)
  header.writeBigUInt64LE(BigInt(data.length), 0)
  header.writeUInt32LE(maskedCrc32c(header.subarray(0, 8)), 8)
  const footer = Buffer.alloc(4)
  footer.writeUInt32LE(maskedCrc32c(data), 0)
  return Buffer.concat([header, data, footer])
}

/** TensorBoard reads the files of a folder in the order of their names, so a later file gets a later name. */
function openNew(folder: string): BufferedFile {
  for (let seconds = Math.floor(Date.now() / 1000); ; seconds++) {
    const name = `events.out.tfevents.${String(seconds).padStart(10, '0')}.${hostname()}`
    try {
      return new BufferedFile(join(folder, name), 'wx')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}
