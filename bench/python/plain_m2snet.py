"""
M2SNet in plain PyTorch eager: Res2Net-50 v1b, box filters as dense convolutions with kernels of ones and shared norms
(as released), weighted IoU and cross-entropy, SGD with Nesterov momentum. 27,692,585 trained parameters.
One step is a training step, or with --inference a pass without gradients.
"""

import os
import sys

import common

parser = common.parser(__doc__, batch=4)
parser.add_argument("--size", type=int, default=352)
parser.add_argument("--channels-last", action="store_true")
parser.add_argument("--inference", action="store_true")
OPTIONS = parser.parse_args()
torch = common.load_torch(OPTIONS)
import torch.nn.functional as F  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
sources = os.path.join(HERE, "../../packages/septum/src")
for folder in ("blocks/backbones/fixtures", "methods/m2snet/fixtures"):
    sys.path.insert(0, os.path.join(sources, folder))
import importlib.util  # noqa: E402

sys.dont_write_bytecode = True
# Both fixture programs are called make_fixtures; this one has the network.
spec = importlib.util.spec_from_file_location(
    "m2snet_reference", os.path.join(sources, "methods/m2snet/fixtures/make_fixtures.py")
)
reference = importlib.util.module_from_spec(spec)
sys.path.pop(0)
spec.loader.exec_module(reference)

LAYOUT = torch.channels_last if OPTIONS.channels_last else torch.contiguous_format
model = reference.M2SNet(64, (1, 3, 5), (64, 128, 256, 512)).to(memory_format=LAYOUT)
assert common.count_parameters(model) == 27_692_585
generator = torch.Generator().manual_seed(OPTIONS.seed)
images = torch.randn(OPTIONS.batch, 3, OPTIONS.size, OPTIONS.size, generator=generator).to(memory_format=LAYOUT)
masks = common.disc_masks(torch, OPTIONS.batch, OPTIONS.size, generator)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, weight_decay=5e-4, nesterov=True)


def structure_loss(logits, mask):
    weights = 1 + 5 * (F.avg_pool2d(mask, 31, 1, 15) - mask).abs()
    bce = F.binary_cross_entropy_with_logits(logits, mask, reduction="none")
    bce = (weights * bce).sum((2, 3)) / weights.sum((2, 3))
    p = logits.sigmoid()
    overlap, both = (p * mask * weights).sum((2, 3)), ((p + mask) * weights).sum((2, 3))
    return (bce + 1 - (overlap + 1) / (both - overlap + 1)).mean()


def train():
    optimizer.zero_grad(set_to_none=True)
    loss = structure_loss(model(images), masks)
    loss.backward()
    optimizer.step()
    return loss.detach()


def infer():
    with torch.no_grad():
        return model(images).mean()


model.train(not OPTIONS.inference)
step = infer if OPTIONS.inference else train
common.main("plain_m2snet", OPTIONS, common.count_parameters(model), common.training_block(OPTIONS, step))
