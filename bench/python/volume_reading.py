"""NIfTI files to float32 batches, cut or padded to one size: nibabel and NumPy, one file after another."""

import os
import time

import common

parser = common.parser(__doc__, batch=16, steps=3)
parser.add_argument("--data", required=True, help="folder with *.nii.gz")
parser.add_argument("--size", type=int, nargs=3, default=[32, 48, 32], help="z y x")
OPTIONS = parser.parse_args()
torch = common.load_torch(OPTIONS)
import nibabel  # noqa: E402
import numpy as np  # noqa: E402

FILES = [os.path.join(OPTIONS.data, n) for n in sorted(os.listdir(OPTIONS.data)) if n.endswith(".nii.gz")]


def centre(volume, out):
    """Copies [z, y, x] to the middle of `out`."""
    starts = [(a - b) // 2 for a, b in zip(volume.shape, out.shape)]
    source = tuple(slice(max(0, s), max(0, s) + min(a, b)) for s, a, b in zip(starts, volume.shape, out.shape))
    target = tuple(slice(max(0, -s), max(0, -s) + min(a, b)) for s, a, b in zip(starts, volume.shape, out.shape))
    out[target] = volume[source]


def read_all():
    total = 0.0
    for first in range(0, len(FILES), OPTIONS.batch):
        some = FILES[first:first + OPTIONS.batch]
        batch = np.zeros((len(some), *OPTIONS.size), np.float32)
        for i, name in enumerate(some):
            centre(np.asarray(nibabel.load(name).dataobj).T, batch[i])
        total += float(torch.from_numpy(batch).view(len(some), -1)[0, batch[0].size // 2])
    return total


def block():
    seconds = []
    for _ in range(OPTIONS.steps):
        start = time.perf_counter()
        total = read_all()
        seconds.append(time.perf_counter() - start)
    return {"seconds": seconds, "sum": total}


read_all()
common.main("volume_reading", OPTIONS, 0, block)
