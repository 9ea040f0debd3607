"""
The polyp set on NumPy and SciPy: mDice, mIoU, weighted F, S-measure, mean and max E, MAE.
Histograms and cumulative sums serve all 256 thresholds, as PySODMetrics does it; nothing is looped over thresholds.
"""

import sys

import numpy as np
from scipy import ndimage

import common

EPS = np.spacing(1)
OFFSET = np.arange(-3, 4)
KERNEL = np.exp(-(OFFSET[:, None] ** 2 + OFFSET[None] ** 2) / 50.0)
KERNEL /= KERNEL.sum()


def e_measure(tp, fp, marked, n):
    found = tp + fp
    if marked == 0:
        total = n - found
    elif marked == n:
        total = found
    else:
        mp, mg = found / n, marked / n
        total = 0
        for count, f, h in ((tp, 1 - mp, 1 - mg), (fp, 1 - mp, -mg), (marked - tp, -mp, 1 - mg),
                            (n - found - marked + tp, -mp, -mg)):
            total = total + count * ((2 * f * h / (f * f + h * h + EPS)) + 1) ** 2 / 4
    return total / (n - 1 + EPS)


def object_term(v):
    return 2 * v.mean() / (v.mean() ** 2 + 1 + (v.std(ddof=1) if v.size > 1 else 0) + EPS)


def ssim(p, g):
    n = p.size
    x, y = p.mean(), g.mean()
    vx, vy = ((p - x) ** 2).sum() / (n - 1 + EPS), ((g - y) ** 2).sum() / (n - 1 + EPS)
    cov = ((p - x) * (g - y)).sum() / (n - 1 + EPS)
    al, be = 4 * x * y * cov, (x * x + y * y) * (vx + vy)
    return al / (be + EPS) if al != 0 else float(be == 0)


def s_measure(p, g):
    y = g.mean()
    if y in (0, 1):
        return p.mean() if y else 1 - p.mean()
    so = y * object_term(p[g]) + (1 - y) * object_term(1 - p[~g])
    rows, cols = np.argwhere(g).mean(axis=0)
    r, c = int(np.floor(rows + 1.5)), int(np.floor(cols + 1.5))
    sr = 0
    for a in (slice(0, r), slice(r, None)):
        for b in (slice(0, c), slice(c, None)):
            if p[a, b].size:
                sr += p[a, b].size / p.size * ssim(p[a, b], g[a, b])
    return max(0, 0.5 * so + 0.5 * sr)


def weighted_f(p, g):
    if not g.any():
        return 0.0
    d, index = ndimage.distance_transform_edt(~g, return_indices=True)
    e = np.abs(p - g)
    et = e.copy()
    et[~g] = e[index[0][~g], index[1][~g]]
    ea = ndimage.convolve(et, KERNEL, mode="constant", cval=0)
    m = np.where(g & (ea < e), ea, e)
    ew = m * np.where(g, 1, 2 - np.exp(np.log(0.5) / 5 * d))
    tp, fp = g.sum() - ew[g].sum(), ew[~g].sum()
    recall, precision = 1 - ew[g].mean(), tp / (EPS + tp + fp)
    return 2 * recall * precision / (EPS + recall + precision)


def score(prediction, reference):
    g = reference > 0
    p = prediction / 255
    if p.max() > p.min():
        p = (p - p.min()) / (p.max() - p.min())
    q = (p * 255).astype(np.uint8)
    tp = np.cumsum(np.bincount(q[g], minlength=256)[::-1])
    fp = np.cumsum(np.bincount(q[~g], minlength=256)[::-1])
    marked = g.sum()
    with np.errstate(invalid="ignore"):
        dice = np.nan_to_num(2 * tp / (tp + fp + marked))
        iou = np.nan_to_num(tp / (fp + marked))
    e = e_measure(tp, fp, marked, g.size)
    return [dice.mean(), iou.mean(), weighted_f(p, g), s_measure(p, g), e.mean(), e.max(), np.abs(p - g).mean()]


if __name__ == "__main__":
    options = common.parser(__doc__, batch=1)
    options.add_argument("--folder", required=True, help="prediction and reference, one byte a pixel")
    options.add_argument("--side", type=int, default=352)
    options = options.parse_args()
    predictions, references = (np.fromfile(f"{options.folder}/{name}", np.uint8).reshape(-1, options.side, options.side)
                               for name in ("prediction", "reference"))
    scores = []

    def one():
        at = len(scores) % len(predictions)
        scores.append(score(predictions[at], references[at]))

    def block():
        seconds = common.timed(options, one, options.steps)
        return {"seconds": seconds, "scores": [[float(v) for v in row] for row in scores[-options.steps:]],
                "numpy": np.__version__, "python": sys.version.split()[0]}

    common.main("metrics-polyp", options, 0, block)
