import { nn } from '@septum/torch'
import { type LayerCost, watchLayers } from '../../methods/profile.js'

const isBatchNorm = (module: nn.Module): boolean =>
  module instanceof nn.BatchNorm1d || module instanceof nn.BatchNorm2d || module instanceof nn.BatchNorm3d

/**
 * Counts multiply-adds of every layer while `pass` runs, in evaluation mode. Batch norms alone are in training mode,
 * because prediction folds them into convolutions, past which no layer would be called: **the running statistics of
 * the model are spoilt**, so give a model that is thrown away afterwards.
 * @param pass any use of the model, synchronous or not
 * @returns layers with parameters of their own or multiply-adds, in the order of the state dict
 */
export async function meterLayers(
  model: nn.Module,
  pass: () => Promise<unknown>,
): Promise<readonly LayerCost[]> {
  model.eval()
  for (const [, module] of model.modules()) if (isBatchNorm(module)) module.train()
  const watch = watchLayers(model)
  try {
    await pass()
  } finally {
    watch.stop()
    model.eval()
  }
  return watch.layers().filter(({ parameters, macs }) => parameters > 0 || macs > 0)
}
