"""HD95 and NSD of a volume on SciPy: edges by erosion, two distance transforms, on the whole volume and on the box."""

import numpy as np
import scipy
from scipy import ndimage

import common


def edges(mask):
    return mask & ~ndimage.binary_erosion(mask, ndimage.generate_binary_structure(3, 1), border_value=0)


def score(a, b, spacing, tolerance):
    x, y = edges(a), edges(b)
    there = ndimage.distance_transform_edt(~y, sampling=spacing)[x]
    back = ndimage.distance_transform_edt(~x, sampling=spacing)[y]
    hd95 = max(np.percentile(there, 95), np.percentile(back, 95))
    return [hd95, ((there <= tolerance).sum() + (back <= tolerance).sum()) / (there.size + back.size)]


def cropped(a, b):
    union = a | b
    box = tuple(slice(np.flatnonzero(line)[0], np.flatnonzero(line)[-1] + 1)
                for line in (union.any((1, 2)), union.any((0, 2)), union.any((0, 1))))
    return a[box], b[box]


if __name__ == "__main__":
    options = common.parser(__doc__, batch=1)
    options.add_argument("--folder", required=True, help="prediction and reference, one byte a voxel")
    options.add_argument("--side", type=int, default=128)
    options.add_argument("--crop", action="store_true", help="cut both masks to their joint box first")
    options.add_argument("--spacing", default="1,1,1")
    options = options.parse_args()
    a, b = (np.fromfile(f"{options.folder}/{name}", np.uint8).reshape((options.side,) * 3) > 0
            for name in ("prediction", "reference"))
    spacing = [float(v) for v in options.spacing.split(",")]
    scores = []

    def one():
        scores.append(score(*(cropped(a, b) if options.crop else (a, b)), spacing, 1.0))

    def block():
        seconds = common.timed(options, one, options.steps)
        return {"seconds": seconds, "scores": [float(v) for v in scores[-1]], "scipy": scipy.__version__}

    common.main("metrics-volume", options, 0, block)
