import type { Tensor } from '@septum/torch'

export const POSITIONS = 'transformer.embeddings.position_embeddings'

/** Names of timm's hybrid transformers (left) and those of TransUNet's release. */
const renamed: readonly (readonly [RegExp, string])[] = [
  [/^patch_embed\.backbone\.stem\.conv\./, 'transformer.embeddings.hybrid_model.root.conv.'],
  [/^patch_embed\.backbone\.stem\.norm\./, 'transformer.embeddings.hybrid_model.root.gn.'],
  [/^patch_embed\.proj\./, 'transformer.embeddings.patch_embeddings.'],
  [/^norm\./, 'transformer.encoder.encoder_norm.'],
  [/^blocks\.(\d+)\.norm1\./, 'transformer.encoder.layer.$1.attention_norm.'],
  [/^blocks\.(\d+)\.norm2\./, 'transformer.encoder.layer.$1.ffn_norm.'],
  [/^blocks\.(\d+)\.mlp\./, 'transformer.encoder.layer.$1.ffn.'],
  [/^blocks\.(\d+)\.attn\.proj\./, 'transformer.encoder.layer.$1.attn.out.'],
]

const stages = /^patch_embed\.backbone\.stages\.(\d+)\.blocks\.(\d+)\.(.*)$/

const hybrid = 'transformer.embeddings.hybrid_model'

/** Names of Google's release of R50+ViT, an archive of NumPy arrays. */
const google: readonly (readonly [RegExp, string])[] = [
  [/^conv_root\//, `${hybrid}.root.conv.`],
  [/^gn_root\//, `${hybrid}.root.gn.`],
  [/^(block\d)\/(unit\d+)\/conv_proj\//, `${hybrid}.body.$1.$2.downsample.`],
  [/^(block\d)\/(unit\d+)\/(conv\d|gn\d|gn_proj)\//, `${hybrid}.body.$1.$2.$3.`],
  [/^embedding\//, 'transformer.embeddings.patch_embeddings.'],
  [/^Transformer\/encoder_norm\//, 'transformer.encoder.encoder_norm.'],
  [/^Transformer\/encoderblock_(\d+)\/LayerNorm_0\//, 'transformer.encoder.layer.$1.attention_norm.'],
  [/^Transformer\/encoderblock_(\d+)\/LayerNorm_2\//, 'transformer.encoder.layer.$1.ffn_norm.'],
  [/^Transformer\/encoderblock_(\d+)\/MlpBlock_3\/Dense_0\//, 'transformer.encoder.layer.$1.ffn.fc1.'],
  [/^Transformer\/encoderblock_(\d+)\/MlpBlock_3\/Dense_1\//, 'transformer.encoder.layer.$1.ffn.fc2.'],
  [
    /^Transformer\/encoderblock_(\d+)\/MultiHeadDotProductAttention_1\/(query|key|value|out)\//,
    'transformer.encoder.layer.$1.attn.$2.',
  ],
]

/** An array of Google's release by our name and with our order of axes; null where it has no place. */
function fromGoogle(name: string, t: Tensor): [string, Tensor] | null {
  if (name === 'Transformer/posembed_input/pos_embedding') return [POSITIONS, t]
  const end = /\/(kernel|scale|bias)$/.exec(name)
  const rule = end && google.find(([pattern]) => pattern.test(name))
  if (!rule) return null
  const ours = name.replace(rule[0], rule[1]).replace(/(kernel|scale)$/, 'weight')
  // Norms are [1, 1, 1, C]; biases of queries, keys and values are [heads, C / heads].
  if (end[1] !== 'kernel') return [ours, t.flatten()]
  // Convolutions are [height, width, in, out].
  if (t.ndim === 4) return [ours, t.permute([3, 2, 0, 1])]
  // Linear layers are [in, out], with the heads as an axis of their own on the side where they are.
  const matrix = t.ndim === 2 ? t : /\.out\.weight$/.test(ours) ? t.flatten(0, 1) : t.flatten(1)
  return [ours, matrix.transpose(0, 1)]
}

/** One tensor of a file as the tensors of the network that it holds, by TransUNet's own names. */
export function translated(name: string, t: Tensor): [string, Tensor][] {
  const known = fromGoogle(name, t)
  if (known) return [known]
  const stage = stages.exec(name)
  if (stage) {
    const [, block, unit, rest] = stage
    const inner = rest!
      .replace(/^downsample\.conv\./, 'downsample.')
      .replace(/^downsample\.norm\./, 'gn_proj.')
      .replace(/^norm(\d)\./, 'gn$1.')
    const place = `body.block${Number(block) + 1}.unit${Number(unit) + 1}`
    return [[`transformer.embeddings.hybrid_model.${place}.${inner}`, t]]
  }
  if (name === 'pos_embed') return [[POSITIONS, t]]
  const qkv = /^blocks\.(\d+)\.attn\.qkv\.(weight|bias)$/.exec(name)
  if (qkv) {
    const parts = t.chunk(3, 0)
    return ['query', 'key', 'value'].map((part, i) => [
      `transformer.encoder.layer.${qkv[1]}.attn.${part}.${qkv[2]}`,
      parts[i]!,
    ])
  }
  for (const [pattern, to] of renamed) if (pattern.test(name)) return [[name.replace(pattern, to), t]]
  return [[name, t]]
}
