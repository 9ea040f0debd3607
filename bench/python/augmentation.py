"""Transforms of a batch in plain PyTorch, image by image as torchvision and batchgenerators apply them."""

import math
import statistics
import time

import common

parser = common.parser(__doc__, batch=4)
parser.add_argument("--size", type=int, default=352)
parser.add_argument("--draws", type=int, default=10, help="batches that make one value")
OPTIONS = parser.parse_args()
torch = common.load_torch(OPTIONS)
import torch.nn.functional as F  # noqa: E402

generator = torch.Generator().manual_seed(OPTIONS.seed)
images = torch.rand(OPTIONS.batch, 3, OPTIONS.size, OPTIONS.size, generator=generator)
masks = common.disc_masks(torch, OPTIONS.batch, OPTIONS.size, generator).byte()


def chance(p):
    return torch.rand(1, generator=generator).item() < p


def between(low, high):
    return low + torch.rand(1, generator=generator).item() * (high - low)


def move(image, mask, degrees, zoom, shifts=None):
    radians = math.radians(degrees)
    cos, sin = math.cos(radians) / zoom, math.sin(radians) / zoom
    grid = F.affine_grid(torch.tensor([[[cos, -sin, 0], [sin, cos, 0]]]), [1, 1, OPTIONS.size, OPTIONS.size], align_corners=False)
    if shifts is not None:
        grid = grid + shifts
    image = F.grid_sample(image[None], grid, align_corners=False)[0]
    return image, F.grid_sample(mask[None].float(), grid, mode="nearest", align_corners=False)[0].byte()


def blur(x, sigma):
    radius = int(4 * sigma + 0.5)
    weights = torch.exp(-torch.arange(-radius, radius + 1).float() ** 2 / (2 * sigma * sigma))
    weights = (weights / weights.sum()).expand(3, 1, -1)
    x = F.conv2d(F.pad(x[None], (radius, radius, 0, 0), "reflect"), weights[:, :, None], groups=3)
    return F.conv2d(F.pad(x, (0, 0, radius, radius), "reflect"), weights[..., None], groups=3)[0]


def low_resolution(x, zoom):
    small = F.interpolate(x[None], size=round(OPTIONS.size * zoom), mode="nearest-exact")
    return F.interpolate(small, size=OPTIONS.size, mode="bilinear", align_corners=False)[0]


def flip(image, mask, vertical):
    axes = [axis for axis, p in ((2, 0.5), (1, 0.5 if vertical else 0)) if chance(p)]
    return (image.flip(axes), mask.flip(axes)) if axes else (image, mask)


def luma(x):
    return (0.299 * x[0] + 0.587 * x[1] + 0.114 * x[2])[None]


def hue(x, turns):
    value, which = x.max(0)
    chroma = value - x.min(0).values
    safe = torch.where(chroma == 0, torch.ones_like(chroma), chroma)
    r, g, b = x
    h = torch.where(which == 0, (g - b) / safe, torch.where(which == 1, (b - r) / safe + 2, (r - g) / safe + 4)) + 6 * turns
    k = [(n + h) % 6 for n in (5, 3, 1)]
    return torch.stack([value - chroma * torch.minimum(one, 4 - one).clamp(0, 1) for one in k])


def values(x, p):
    if chance(p[0]):
        x = (x + torch.randn(x.shape, generator=generator) * between(0, 0.1)).clamp(0, 1)
    if chance(p[1]):
        x = blur(x, between(0.5, 1))
    if chance(p[2]):
        x = (x * between(0.75, 1.25)).clamp(0, 1)
    if chance(p[3]):
        mean = x.mean((1, 2), keepdim=True)
        x = ((x - mean) * between(0.75, 1.25) + mean).clamp(0, 1)
    if chance(p[4]):
        x = low_resolution(x, between(0.5, 1))
    if chance(p[5]):
        x = x ** between(0.7, 1.5)
    return x


def m2snet(image, mask):
    return move(*flip(image, mask, False), between(-10, 10), 1)


def nnunet(image, mask):
    image, mask = flip(image, mask, True)
    degrees = between(-180, 180) if chance(0.2) else 0
    zoom = between(0.7, 1.4) if chance(0.2) else 1
    if degrees or zoom != 1:
        image, mask = move(image, mask, degrees, zoom)
    return values(image, [0.1, 0.2, 0.15, 0.15, 0.25, 0.3]), mask


def everything(image, mask):
    coarse = torch.rand(1, 2, 14, 14, generator=generator).sub(0.5).mul(between(8, 24) * 2 / OPTIONS.size)
    shifts = F.interpolate(coarse, size=(OPTIONS.size, OPTIONS.size), mode="bicubic", align_corners=False).permute(0, 2, 3, 1)
    image, mask = move(*flip(image, mask, True), between(-10, 10), between(0.7, 1.4), shifts)
    x = values(image, [1] * 6)
    x = (x * between(0.5, 1.5)).clamp(0, 1)
    grey = luma(x).mean()
    x = ((x - grey) * between(0.5, 1.5) + grey).clamp(0, 1)
    grey = luma(x)
    x = ((x - grey) * between(0.5, 1.5) + grey).clamp(0, 1)
    return hue(x, between(-0.25, 0.25)).clamp(0, 1), mask


def augment(one):
    pairs = [one(image, mask) for image, mask in zip(images, masks)]
    return torch.stack([image for image, _ in pairs]), torch.stack([mask for _, mask in pairs])


def seconds_of(one):
    """Processor time of a batch."""
    start = time.process_time()
    for _ in range(OPTIONS.draws):
        augment(one)
    return (time.process_time() - start) / OPTIONS.draws


def block():
    answer = {}
    for one in (m2snet, nnunet, everything):
        answer[one.__name__] = [seconds_of(one) for _ in range(OPTIONS.steps)]
    answer["seconds"] = [statistics.median(answer["m2snet"])]
    return answer


for one in (m2snet, nnunet, everything):
    common.timed(OPTIONS, lambda: augment(one), OPTIONS.warmup)
common.main("augmentation", OPTIONS, 0, block)
