import { gridWithSpacing, type MedicalImage, resample } from '@septum/core'
import { expect, it } from 'vitest'

/** What the process takes besides the volumes, in megabytes: compiled code, and 16 for a block of spline coefficients. */
const REST = 40

it.each(['nearest', 'linear'] as const)(
  'resampling a volume (%s) takes the memory of its result and no copy of the volume',
  (interpolation) => {
    const size = [160, 320, 320]
    const image: MedicalImage = {
      data: new Int16Array(size.reduce((a, b) => a * b)).fill(-7),
      shape: [1, ...size],
      geometry: {
        spacingMm: [1.25, 0.7, 0.7],
        originMm: [3, 2, 1],
        directions: [
          [0, 0, 1],
          [0, 1, 0],
          [1, 0, 0],
        ],
      },
      maxValue: 1,
    }
    const grid = gridWithSpacing({ size, geometry: image.geometry! }, [2.5, 1.4, 1.4])
    const before = process.resourceUsage().maxRSS
    const { data } = resample(image, grid, interpolation)
    const gained = (process.resourceUsage().maxRSS - before) / 1024
    // In 31 MB of int16; a copy as float32 or float64 would be 62 or 125.
    expect(image.data.byteLength / 2 ** 20).toBeCloseTo(31.25)
    expect(data.every((value) => value === -7)).toBe(true)
    expect(gained).toBeLessThan(data.byteLength / 2 ** 20 + REST)
  },
)
