import { Random } from '@septum/core'
import { expect, it } from 'vitest'
import { ByteStream } from './byte-stream.js'

const streamOf = (pieces: readonly number[][]) =>
  new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(Uint8Array.from(piece))
      controller.close()
    },
  })

it('gives what was asked for, however the stream is cut', async () => {
  const random = new Random(9)
  for (let round = 0; round < 30; round++) {
    const all = Array.from({ length: 60 }, (_, i) => i)
    const pieces: number[][] = []
    for (let at = 0; at < 60; ) {
      const length = random.int(9)
      pieces.push(all.slice(at, at + length))
      at += length
    }
    const bytes = new ByteStream(streamOf(pieces), 'a')
    for (let at = 0; at < 60; ) {
      const count = Math.min(60 - at, random.int(14))
      if (random.uniform() < 0.4) await bytes.skip(count)
      else expect([...(await bytes.take(count))]).toEqual(all.slice(at, at + count))
      at += count
    }
    await expect(bytes.take(1)).rejects.toMatchObject({ code: 'viewer-broken' })
  }
})
