import type { BackboneName } from '../build.js'

type Rule = readonly [RegExp, string]

const inner: Rule = [/^(resnet|backbone|encoder)\./, '']

/** Other spellings of a backbone's names, each turned into ours. Rules are tried in order, all of them. */
const spellings: Partial<Record<BackboneName, readonly Rule[]>> = {
  // Whole segmentation networks keep their backbone under a prefix.
  res2net50: [inner],
  resnet18: [inner],
  resnet34: [inner],
  resnet50: [inner],
  'pvtv2-b2': [
    inner,
    // timm: patch_embed, then stages with their own downsample.
    [/^patch_embed\./, 'patch_embed1.'],
    [/^stages\.(\d)\.downsample\./, 'patch_embed$1+1.'],
    [/^stages\.(\d)\.blocks\./, 'block$1+1.'],
    [/^stages\.(\d)\.norm\./, 'norm$1+1.'],
    [/\.mlp\.dwconv\.(weight|bias)$/, '.mlp.dwconv.dwconv.$1'],
  ],
  'convnext-t': convnext(),
  'convnext-b': convnext(),
  'convnextv2-b': convnext(),
}

/** The first release and torchvision spell ConvNeXt in their own ways. */
function convnext(): readonly Rule[] {
  return [
    [/^downsample_layers\.0\./, 'stem.'],
    [/^downsample_layers\.(\d)\./, 'stages.$1.downsample.'],
    [/^stages\.(\d)\.(\d+)\.dwconv\./, 'stages.$1.blocks.$2.conv_dw.'],
    [/^stages\.(\d)\.(\d+)\.pwconv([12])\./, 'stages.$1.blocks.$2.mlp.fc$3.'],
    [/^stages\.(\d)\.(\d+)\.grn\.gamma$/, 'stages.$1.blocks.$2.mlp.grn.weight'],
    [/^stages\.(\d)\.(\d+)\.grn\.beta$/, 'stages.$1.blocks.$2.mlp.grn.bias'],
    [/^stages\.(\d)\.(\d+)\.(norm|gamma)/, 'stages.$1.blocks.$2.$3'],
    [/^features\.0\.([01])\./, 'stem.$1.'],
    [/^features\.([246])\.([01])\./, 'stages.$1/2.downsample.$2.'],
    [/^features\.([1357])\.(\d+)\.block\.0\./, 'stages.$1/2.blocks.$2.conv_dw.'],
    [/^features\.([1357])\.(\d+)\.block\.2\./, 'stages.$1/2.blocks.$2.norm.'],
    [/^features\.([1357])\.(\d+)\.block\.3\./, 'stages.$1/2.blocks.$2.mlp.fc1.'],
    [/^features\.([1357])\.(\d+)\.block\.5\./, 'stages.$1/2.blocks.$2.mlp.fc2.'],
    [/^features\.([1357])\.(\d+)\.layer_scale$/, 'stages.$1/2.blocks.$2.gamma'],
    [/^classifier\./, 'head.'],
    [/^norm\./, 'head.norm.'],
    [/^head\.(weight|bias)$/, 'head.fc.$1'],
  ]
}

/** A replacement in which `$1+1` and `$1/2` (rounded down) are worked out. */
function replace(name: string, pattern: RegExp, by: string): string {
  return name.replace(pattern, (...found: unknown[]) =>
    by.replace(/\$(\d)(\+1|\/2)?/g, (_, group: string, rule: string | undefined) => {
      const text = String(found[Number(group)])
      if (rule === undefined) return text
      return String(rule === '+1' ? Number(text) + 1 : Math.floor(Number(text) / 2))
    }),
  )
}

/** The name that our backbone has for a published one. */
export const ourName = (backbone: BackboneName, published: string): string =>
  (spellings[backbone] ?? []).reduce((name, [pattern, by]) => replace(name, pattern, by), published)
