"""
Training step of a 2-D U-Net in plain PyTorch eager: per level two (conv3x3, BatchNorm, ReLU), max-pool 2; decoder
step nearest x2, conv3x3 to half width with BatchNorm and ReLU, concat [skip, up], two more; final conv1x1 with bias.
Widths 64,128,256,512,1024 with 3 channels give 34,527,041 parameters.
"""

import common

parser = common.parser(__doc__, batch=8)
parser.add_argument("--widths", default="32,64,128,256", help="comma-separated, fine to coarse")
parser.add_argument("--channels", type=int, default=1)
parser.add_argument("--classes", type=int, default=1)
parser.add_argument("--size", type=int, default=128, help="image side, divisible by 2 ** (levels - 1)")
parser.add_argument("--channels-last", action="store_true")
parser.add_argument("--inference", action="store_true", help="a pass without gradients in place of a training step")
OPTIONS = parser.parse_args()
torch = common.load_torch(OPTIONS)
import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402


def convolution(width, out):
    return [nn.Conv2d(width, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU(inplace=True)]


def double(width, out):
    return nn.Sequential(*convolution(width, out), *convolution(out, out))


class UNet(nn.Module):
    def __init__(self, channels, classes, widths):
        super().__init__()
        inputs = [channels, *widths[:-1]]
        self.down = nn.ModuleList(double(a, b) for a, b in zip(inputs, widths))
        self.up = nn.ModuleList(
            nn.Sequential(nn.Upsample(scale_factor=2), *convolution(b, a)) for a, b in zip(widths, widths[1:])
        )
        self.merge = nn.ModuleList(double(2 * a, a) for a in widths[:-1])
        self.head = nn.Conv2d(widths[0], classes, 1)

    def forward(self, x):
        skips = []
        for level, block in enumerate(self.down):
            x = block(x if level == 0 else F.max_pool2d(x, 2))
            skips.append(x)
        for level in reversed(range(len(self.up))):
            x = self.merge[level](torch.cat([skips[level], self.up[level](x)], 1))
        return self.head(x)


WIDTHS = [int(width) for width in OPTIONS.widths.split(",")]
LAYOUT = torch.channels_last if OPTIONS.channels_last else torch.contiguous_format
generator = torch.Generator().manual_seed(OPTIONS.seed)
shape = (OPTIONS.batch, OPTIONS.channels, OPTIONS.size, OPTIONS.size)
model = UNet(OPTIONS.channels, OPTIONS.classes, WIDTHS).to(OPTIONS.device, memory_format=LAYOUT)
if WIDTHS == [64, 128, 256, 512, 1024] and OPTIONS.channels == 3 and OPTIONS.classes == 1:
    assert common.count_parameters(model) == 34_527_041
images = torch.rand(shape, generator=generator).to(OPTIONS.device, memory_format=LAYOUT)
masks = common.disc_masks(torch, OPTIONS.batch, OPTIONS.size, generator).to(OPTIONS.device)
masks = masks.expand(-1, OPTIONS.classes, -1, -1).contiguous(memory_format=LAYOUT)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)


def train():
    optimizer.zero_grad(set_to_none=True)
    loss = F.binary_cross_entropy_with_logits(model(images), masks)
    loss.backward()
    optimizer.step()
    return loss.detach()


def infer():
    with torch.no_grad():
        return model(images).mean()


model.train(not OPTIONS.inference)
step = infer if OPTIONS.inference else train
common.main("plain_unet", OPTIONS, common.count_parameters(model), common.training_block(OPTIONS, step))
