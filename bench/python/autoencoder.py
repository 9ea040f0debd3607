"""AR-Seg stage 1 at the paper's size: encoder, residual multi-scale quantiser, decoder. Plain torch.nn."""

import torch
import torch.nn.functional as F
from torch import nn

SIDES = (1, 2, 3, 4, 5, 6, 7, 8)


def norm(width):
    return nn.GroupNorm(32, width, eps=1e-6)


class ResidualBlock(nn.Module):
    def __init__(self, width, out):
        super().__init__()
        self.norm1, self.conv1 = norm(width), nn.Conv2d(width, out, 3, padding=1)
        self.norm2, self.conv2 = norm(out), nn.Conv2d(out, out, 3, padding=1)
        self.shortcut = nn.Conv2d(width, out, 1) if width != out else nn.Identity()

    def forward(self, x):
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(F.silu(self.norm2(h)))
        return self.shortcut(x) + h


class AttentionBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = norm(width)
        self.q, self.k, self.v = (nn.Conv2d(width, width, 1) for _ in range(3))
        self.projection = nn.Conv2d(width, width, 1)

    def forward(self, x):
        b, c, h, w = x.shape
        y = self.norm(x)
        q, k, v = self.q(y).flatten(2), self.k(y).flatten(2), self.v(y).flatten(2)
        weight = torch.softmax(torch.bmm(q.transpose(1, 2), k) * c**-0.5, dim=2)  # [B, query, key]
        y = torch.bmm(v, weight.transpose(1, 2)).reshape(b, c, h, w)
        return x + self.projection(y)


class Downsample(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, stride=2)

    def forward(self, x):
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Upsample(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x):
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


def middle(width):
    return [ResidualBlock(width, width), AttentionBlock(width), ResidualBlock(width, width)]


def encoder(channels, widths, downs, out):
    """Two residual blocks a level; the first `downs` levels end in a stride-2 convolution."""
    layers, width = [nn.Conv2d(channels, widths[0], 3, padding=1)], widths[0]
    for level, target in enumerate(widths):
        layers += [ResidualBlock(width, target), ResidualBlock(target, target)]
        width = target
        if level < downs:
            layers.append(Downsample(width))
    return nn.Sequential(*layers, *middle(width), norm(width), nn.SiLU(), nn.Conv2d(width, out, 3, padding=1))


def decoder(channels, widths, out):
    """Widths from coarse to fine, three residual blocks a level, nearest x2 between levels."""
    layers, width = [nn.Conv2d(channels, widths[0], 3, padding=1), *middle(widths[0])], widths[0]
    for level, target in enumerate(widths):
        layers += [ResidualBlock(width, target), ResidualBlock(target, target), ResidualBlock(target, target)]
        width = target
        if level < len(widths) - 1:
            layers.append(Upsample(width))
    return nn.Sequential(*layers, norm(width), nn.SiLU(), nn.Conv2d(width, out, 3, padding=1))


class Quantizer(nn.Module):
    """Tokens of every scale, their sum, and the loss; `phi` k // 2 serves scale k (the tick rule for 8 scales)."""

    def __init__(self, codes=1024, width=32, beta=0.25, rho=0.5):
        super().__init__()
        self.beta, self.rho = beta, rho
        self.codebook = nn.Embedding(codes, width)
        self.phi = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(4))

    def nearest(self, z):
        """Indices [B, p, p] of the nearest code of every position of z [B, C, p, p]."""
        vectors = z.permute(0, 2, 3, 1).reshape(-1, z.shape[1])
        codes = self.codebook.weight.detach()
        distance = vectors.pow(2).sum(1, keepdim=True) + codes.pow(2).sum(1) - 2 * vectors @ codes.t()
        return distance.argmin(1).reshape(len(z), *z.shape[2:])

    def spread(self, k, index):
        """What the tokens of scale k add to the latent: [B, C, 8, 8]."""
        h = self.codebook(index).permute(0, 3, 1, 2)
        if k < len(SIDES) - 1:
            h = F.interpolate(h, size=(SIDES[-1], SIDES[-1]), mode="bicubic", align_corners=False)
        return (1 - self.rho) * h + self.rho * self.phi[k // 2](h)

    def forward(self, f):
        rest, fhat, loss = f.detach().clone(), torch.zeros_like(f), 0.0
        for k, side in enumerate(SIDES):
            z = F.adaptive_avg_pool2d(rest, side) if side < SIDES[-1] else rest
            h = self.spread(k, self.nearest(z))
            fhat, rest = fhat + h, rest - h.detach()
            loss = loss + self.beta * F.mse_loss(fhat.detach(), f) + F.mse_loss(fhat, f.detach())
        return (fhat - f).detach() + f, loss / len(SIDES)

    @torch.no_grad()
    def encode(self, f):
        """Tokens [B, 204] and the teacher's input [B, 203, C] of scales 2 to 8."""
        rest, fhat, tokens, inputs = f.clone(), torch.zeros_like(f), [], []
        for k, side in enumerate(SIDES):
            index = self.nearest(F.adaptive_avg_pool2d(rest, side) if side < SIDES[-1] else rest)
            h = self.spread(k, index)
            fhat, rest = fhat + h, rest - h
            tokens.append(index.flatten(1))
            if k + 1 < len(SIDES):
                inputs.append(F.adaptive_avg_pool2d(fhat, SIDES[k + 1]).flatten(2).transpose(1, 2))
        return torch.cat(tokens, 1), torch.cat(inputs, 1)


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        widths = (32, 32, 64, 64, 128)
        self.encoder = encoder(1, widths, downs=4, out=128)
        self.decoder = decoder(128, widths[::-1], out=1)
        self.quantizer = Quantizer()
        self.quant_conv = nn.Conv2d(128, 32, 1)
        self.post_quant_conv = nn.Conv2d(32, 128, 1)
        parameters = sum(p.numel() for p in self.parameters())
        assert parameters == 4_393_025, parameters

    def latent(self, masks):
        return self.quant_conv(self.encoder(masks))

    def decode(self, fhat):
        return self.decoder(self.post_quant_conv(fhat))

    def forward(self, masks):
        quantized, loss = self.quantizer(self.latent(masks))
        return self.decode(quantized), loss


def mask_loss(logits, target):
    """Dice on probabilities averaged over samples, plus binary cross-entropy."""
    p, g = torch.sigmoid(logits).flatten(1), target.flatten(1)
    dice = (2 * (p * g).sum(1) + 1e-6) / (p.sum(1) + g.sum(1) + 1e-6)
    return 1 - dice.mean() + F.binary_cross_entropy_with_logits(logits, target)
