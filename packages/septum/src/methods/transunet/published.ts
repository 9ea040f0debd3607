import { SeptumError } from '@septum/core'
import { F, type nn, noGrad, scope, type Tensor } from '@septum/torch'
import { POSITIONS, translated } from './names.js'

type Size = readonly [height: number, width: number]

/**
 * Positions learned on one grid for another, corners on corners, linear in between.
 * @param positions [1, H W, C] @returns [1, H' W', C]
 */
export function resizedPositions(positions: Tensor, from: Size, to: Size): Tensor {
  if (`${from}` === `${to}`) return positions
  const map = positions.transpose(1, 2).unflatten(2, from) // [1, C, H, W]
  return F.interpolate(map, { size: to, mode: 'bilinear', alignCorners: true }).flatten(2).transpose(1, 2)
}

/** Positions of a file on the network's grid; the place of a class token, which comes first, is left out. */
export function positionsFor(t: Tensor, grid: Size): Tensor {
  const side = Math.floor(Math.sqrt(t.size(1)))
  const hasClass = side * side === t.size(1) - 1
  if (side * side !== t.size(1) && !hasClass) return t
  return resizedPositions(t.narrow(1, hasClass ? 1 : 0, side * side), [side, side], grid)
}

/**
 * Gives a network the weights of a published file, with names of TransUNet's release, of timm or of Google's.
 * @param grid of the network's positions @returns names of the network's tensors that the file lacks
 * @throws SeptumError `state-mismatch` where a tensor has another shape or nothing fits
 */
export function loadPublished(
  network: nn.Module,
  grid: Size,
  tensors: ReadonlyMap<string, Tensor>,
): readonly string[] {
  return scope(() =>
    noGrad(() => {
      const found = new Map([...tensors].flatMap(([name, t]) => translated(name, t)))
      const own = network.stateDict()
      const positions = found.get(POSITIONS)
      // A square file for a network of another shape is interpolated; one of its own shape is taken as it is.
      if (positions && `${positions.shape}` !== `${own.get(POSITIONS)!.shape}`)
        found.set(POSITIONS, positionsFor(positions, grid))
      // A head for other classes starts anew.
      for (const name of found.keys()) {
        const mine = own.get(name)
        if (name.startsWith('segmentation_head.') && `${mine?.shape}` !== `${found.get(name)!.shape}`)
          found.delete(name)
      }
      const { missing } = network.loadStateDict(found, { strict: false })
      if (missing.length < own.size)
        return missing.filter((name) => !name.startsWith('input.') && !name.endsWith('num_batches_tracked'))
      throw new SeptumError(
        'state-mismatch',
        'This file holds no weights of a TransUNet or of its encoder',
        "Give a file with the names of TransUNet's release, of timm's vit_base_r50_s16 or of Google's R50+ViT.",
      )
    }),
  )
}
