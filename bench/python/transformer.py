"""AR-Seg stage 2: image encoder, 64 prefix tokens, block-causal GPT of depth 8 and width 256. Plain torch.nn."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from autoencoder import SIDES, encoder

PREFIX, TOKENS, WIDTH, HEADS, DEPTH, CODES = 64, 204, 256, 8, 8, 1024


class Attention(nn.Module):
    def __init__(self, dropout):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.projection = nn.Linear(WIDTH, WIDTH)
        self.attention_dropout, self.residual_dropout = nn.Dropout(dropout), nn.Dropout(dropout)

    def forward(self, x, may):
        b, length, width = x.shape
        split = lambda y: y.view(b, length, HEADS, width // HEADS).transpose(1, 2)
        q, k, v = split(self.query(x)), split(self.key(x)), split(self.value(x))
        score = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
        score = score.masked_fill(~may[:length, :length], float("-inf"))
        y = self.attention_dropout(F.softmax(score, dim=-1)) @ v
        y = y.transpose(1, 2).contiguous().view(b, length, width)
        return self.residual_dropout(self.projection(y))


class Block(nn.Module):
    def __init__(self, dropout):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attention = Attention(dropout)
        self.mlp = nn.Sequential(
            nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH), nn.Dropout(dropout)
        )

    def forward(self, x, may):
        x = x + self.attention(self.norm1(x), may)
        return x + self.mlp(self.norm2(x))


def levels():
    """Level of every position: 0 for the prefix, k for the tokens of scale k (1 to 8)."""
    return torch.cat([torch.zeros(PREFIX)] + [torch.full((p * p,), k + 1.0) for k, p in enumerate(SIDES)]).long()


class Segmentor(nn.Module):
    def __init__(self, channels, dropout=0.1):
        super().__init__()
        # Four levels, each ending in a stride-2 convolution: 128 -> 8.
        self.image_encoder = encoder(channels, (32, 64, 128, 256), downs=4, out=256)
        self.prefix_mlp = nn.Sequential(nn.Linear(256, 256), nn.GELU(), nn.Linear(256, WIDTH))
        self.prefix_norm = nn.LayerNorm(WIDTH)
        self.prefix_position = nn.Parameter(torch.zeros(PREFIX, WIDTH))
        self.embedding = nn.Linear(32, WIDTH)
        self.start = nn.Embedding(1, WIDTH)
        self.position = nn.Parameter(torch.zeros(1, PREFIX + TOKENS, WIDTH))
        self.level = nn.Embedding(len(SIDES), WIDTH)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(dropout) for _ in range(DEPTH))
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, CODES, bias=False)
        level = levels()
        self.register_buffer("may", level[:, None] >= level[None, :])
        self.register_buffer("scale", level[PREFIX:] - 1)
        self.apply(self.initialise)
        core = [self.embedding, self.blocks, self.norm, self.head]
        count = sum(p.numel() for part in core for p in part.parameters()) + self.position.numel()
        assert count == 6_657_792, count  # the released size at 268 positions

    @staticmethod
    def initialise(module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=0.02)
            if getattr(module, "bias", None) is not None:
                nn.init.zeros_(module.bias)

    def prefix(self, images):
        x = F.adaptive_avg_pool2d(self.image_encoder(images), 8).flatten(2).transpose(1, 2)  # [B, 64, 256]
        return self.prefix_norm(self.prefix_mlp(x) + x) + self.prefix_position

    def logits(self, prefix, inputs):
        """Logits [B, 1 + n, V] of the start position and of the n input vectors [B, n, 32] given so far."""
        b, n = inputs.shape[:2]
        start = self.start.weight.expand(b, 1, WIDTH)
        tokens = torch.cat([start, self.embedding(inputs)], 1) + self.level(self.scale[: n + 1])
        x = self.dropout(torch.cat([prefix, tokens], 1) + self.position[:, : PREFIX + n + 1])
        for block in self.blocks:
            x = block(x, self.may)
        return self.head(self.norm(x[:, PREFIX:]))


def optimizer_of(model, lr=3.6e-5):
    """AdamW with weight decay on matrices of linear and convolution layers only."""
    decays = {id(m.weight) for m in model.modules() if isinstance(m, (nn.Linear, nn.Conv2d))}
    groups = [
        {"params": [p for p in model.parameters() if id(p) in decays], "weight_decay": 0.01},
        {"params": [p for p in model.parameters() if id(p) not in decays], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.95))


@torch.no_grad()
def sample_tokens(model, quantizer, prefix, count, temperature, top_k):
    """`count` samples of one image, the whole sequence recomputed at every scale: the latent [count, 32, 8, 8]."""
    prefix = prefix.expand(count, -1, -1)
    inputs = prefix.new_zeros(count, 0, 32)
    fhat = prefix.new_zeros(count, 32, 8, 8)
    for k, side in enumerate(SIDES):
        logits = model.logits(prefix, inputs)[:, -side * side :] / temperature[k]
        limit = logits.topk(top_k, dim=-1).values[..., -1:]
        share = logits.masked_fill(logits < limit, float("-inf")).softmax(-1)
        index = torch.multinomial(share.flatten(0, 1), 1).view(count, side, side)
        fhat = fhat + quantizer.spread(k, index)
        if k + 1 < len(SIDES):
            following = F.adaptive_avg_pool2d(fhat, SIDES[k + 1]).flatten(2).transpose(1, 2)
            inputs = torch.cat([inputs, following], 1)
    return fhat
