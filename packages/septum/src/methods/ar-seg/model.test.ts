import { describe, expect, it } from 'vitest'
import { ArSeg } from './model.js'
import { arSegOptions } from './options.js'

const task = { dimensions: 2, imageChannels: 1, classes: ['lesion'], raters: 1 } as const
const options = arSegOptions.parse({
  autoencoder: {
    width: 2,
    multipliers: [1, 1],
    blocks: 1,
    latentChannels: 4,
    codes: 4,
    codeChannels: 2,
    scales: [1, 2],
  },
  segmentor: { depth: 1, width: 8, heads: 2, encoderWidths: [2, 2], encoderBlocks: 1 },
})

describe('image sizes', () => {
  // Two levels halve once: a last token map of 2 x 2 needs images of 4 x 4.
  it('accepts the side that the levels bring to the last token map', () => {
    expect(() => new ArSeg(options, { ...task, imageSize: [4, 4] })).not.toThrow()
  })

  it.each([[[8, 8]], [[4, 8]], [[4, 4, 4]]])('refuses %j and says what fits', (imageSize) => {
    expect(() => new ArSeg(options, { ...task, imageSize })).toThrow(
      expect.objectContaining({ code: 'config-image-size', hint: expect.stringContaining('[4,4]') }),
    )
  })
})
