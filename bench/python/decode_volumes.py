"""Batches of NIfTI volumes and masks, cropped or padded to one size: nibabel, PyTorch's DataLoader."""

import os
import time

import common

parser = common.parser(__doc__, batch=16)
parser.add_argument("--data", required=True, help="folder with images/*.nii.gz and labels/*.nii.gz")
parser.add_argument("--batches", type=int, default=10, help="batches of a block")
parser.add_argument("--workers", type=int, default=1)
parser.add_argument("--size", type=int, nargs=3, default=[32, 48, 32], help="z y x")
OPTIONS = parser.parse_args()
torch = common.load_torch(OPTIONS)
import nibabel  # noqa: E402
import numpy as np  # noqa: E402


def centred(volume):
    """[z, y, x] cut or padded with 0 about the centre."""
    out = np.zeros(OPTIONS.size, volume.dtype)
    starts = [(a - b) // 2 for a, b in zip(volume.shape, OPTIONS.size)]
    source = tuple(slice(max(0, s), max(0, s) + min(a, b)) for s, a, b in zip(starts, volume.shape, OPTIONS.size))
    target = tuple(slice(max(0, -s), max(0, -s) + min(a, b)) for s, a, b in zip(starts, volume.shape, OPTIONS.size))
    out[target] = volume[source]
    return out


class Pairs(torch.utils.data.Dataset):
    def __init__(self, folder):
        labels = os.path.join(folder, "labels")
        self.pairs = [(os.path.join(folder, "images", n), os.path.join(labels, n)) for n in sorted(os.listdir(labels))]

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, index):
        image, mask = (np.asarray(nibabel.load(name).dataobj).T for name in self.pairs[index])
        image = image.astype(np.float32)
        image = (image - image.mean()) / image.std()
        return torch.from_numpy(centred(image))[None], torch.from_numpy(centred(mask).astype(np.uint8))[None]


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
common.main("decode_volumes", OPTIONS, 0, block)
