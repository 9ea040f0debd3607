/** Reference white D50 of the profile connection space (PS3.3 C.10.7.1.1). */
const WHITE = [0.9642, 1, 0.8249] as const
/** sRGB to XYZ under D50 (Bradford-adapted). */
const TO_XYZ = [
  [0.4360747, 0.3850649, 0.1430804],
  [0.2225045, 0.7168786, 0.0606169],
  [0.0139322, 0.0971045, 0.7141733],
] as const

/**
 * The colour of a segment as DICOM writes it: CIELab under D50, L from 0 to 100 and a, b from -128 to 127, each
 * scaled to 16 bits (PS3.3 C.10.7.1.1).
 * @param rgb sRGB, 0 to 255.
 */
export function toDicomLab(rgb: readonly [number, number, number]): readonly [number, number, number] {
  const linear = rgb.map((value) => {
    const share = value / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  const [x, y, z] = TO_XYZ.map((row, axis) => {
    const share = row.reduce<number>((sum, factor, i) => sum + factor * linear[i]!, 0) / WHITE[axis]!
    return share > 216 / 24389 ? Math.cbrt(share) : ((24389 / 27) * share + 16) / 116
  }) as [number, number, number]
  const scale = (value: number, from: number, range: number) =>
    Math.round(Math.min(Math.max((value - from) / range, 0), 1) * 65535)
  return [scale(116 * y - 16, 0, 100), scale(500 * (x - y), -128, 255), scale(200 * (y - z), -128, 255)]
}

/** The inverse of `toDicomLab`, clipped to sRGB. */
export function fromDicomLab(lab: readonly number[]): readonly [number, number, number] {
  const l = (lab[0]! / 65535) * 100
  const a = (lab[1]! / 65535) * 255 - 128
  const b = (lab[2]! / 65535) * 255 - 128
  const y = (l + 16) / 116
  const cubes = [y + a / 500, y, y - b / 200].map((value, axis) => {
    const share = value ** 3 > 216 / 24389 ? value ** 3 : (116 * value - 16) / (24389 / 27)
    return share * WHITE[axis]!
  }) as [number, number, number]
  const [cx, cy, cz] = cubes
  // The inverse of the matrix above.
  const linear = [
    3.1338561 * cx - 1.6168667 * cy - 0.4906146 * cz,
    -0.9787684 * cx + 1.9161415 * cy + 0.033454 * cz,
    0.0719453 * cx - 0.2289914 * cy + 1.4052427 * cz,
  ]
  return linear.map((value) => {
    const share = value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055
    return Math.round(Math.min(Math.max(share, 0), 1) * 255)
  }) as unknown as readonly [number, number, number]
}
