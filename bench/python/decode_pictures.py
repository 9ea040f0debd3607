"""Batches of JPEG images and PNG masks: Pillow in a Dataset, PyTorch's DataLoader with worker processes."""

import os
import time

import common

parser = common.parser(__doc__, batch=16)
parser.add_argument("--data", required=True, help="folder with images/*.jpg and masks/*.png")
parser.add_argument("--batches", type=int, default=10, help="batches of a block")
parser.add_argument("--workers", type=int, default=1)
OPTIONS = parser.parse_args()
torch = common.load_torch(OPTIONS)
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402


class Pairs(torch.utils.data.Dataset):
    def __init__(self, folder):
        listed = {os.path.splitext(name)[0]: name for name in os.listdir(os.path.join(folder, "masks"))}
        names = sorted(os.listdir(os.path.join(folder, "images")))
        self.pairs = [(os.path.join(folder, "images", n), os.path.join(folder, "masks", listed[os.path.splitext(n)[0]]))
                      for n in names]

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, index):
        image, mask = self.pairs[index]
        pixels = torch.from_numpy(np.array(Image.open(image).convert("RGB"))).permute(2, 0, 1).float().div_(255)
        labels = torch.from_numpy((np.array(Image.open(mask).convert("L")) > 127).astype(np.uint8))[None]
        return pixels.contiguous(), labels


def endless():
    while True:
        yield from torch.utils.data.DataLoader(Pairs(OPTIONS.data), OPTIONS.batch, shuffle=True, drop_last=True,
                                               num_workers=OPTIONS.workers)


batches = endless()


def block():
    start = time.perf_counter()
    before = common.tree_seconds()
    for _ in range(OPTIONS.batches):
        images, masks = next(batches)
    assert images.shape[0] == OPTIONS.batch and masks.dtype == torch.uint8
    return {"seconds": [time.perf_counter() - start], "processor": common.tree_seconds() - before}


next(batches)
next(batches)
common.main("decode_pictures", OPTIONS, 0, block)
