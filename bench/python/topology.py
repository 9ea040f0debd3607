"""Betti matching, persistence, clDice, and object scores in Python: union-find written out, scikit-image, NumPy."""

import sys
import time
import types

import numpy as np
import scipy
import skimage
from scipy import ndimage
from skimage import metrics, morphology
from sklearn.metrics import adjusted_rand_score

import common


class Order:
    """Pixels by descending value, later pixels of the raster first among equals, with the edges between them."""

    def __init__(self, image):
        self.image = image
        self.shape = image.shape
        flat = image.ravel()
        n = flat.size
        self.order = np.lexsort((-np.arange(n), -flat))
        self.rank = np.empty(n, int)
        self.rank[self.order] = np.arange(n)
        rank = self.rank.reshape(image.shape)
        index = np.arange(n).reshape(image.shape)
        pairs = []
        # Around its later pixel an edge to the right comes first, then down, left, up.
        for a, b, ahead, back in ((np.s_[:, :-1], np.s_[:, 1:], 0, 2), (np.s_[:-1], np.s_[1:], 1, 3)):
            first, second = rank[a].ravel(), rank[b].ravel()
            key = np.where(first > second, first * 4 + ahead, second * 4 + back)
            pairs.append(np.stack([key, index[a].ravel(), index[b].ravel(), np.full(key.size, ahead)], 1))
        edges = np.concatenate(pairs)
        self.edges = edges[np.argsort(edges[:, 0])].tolist()
        height, width = image.shape
        corners = np.stack([rank[:-1, :-1] * 4, rank[:-1, 1:] * 4 + 1, rank[1:, :-1] * 4 + 2, rank[1:, 1:] * 4 + 3])
        self.squares = np.full((height + 1, width + 1), 2**62)
        self.squares[1:-1, 1:-1] = corners.max(0)
        self.values = flat[self.order].tolist()


def find(parent, x):
    while parent[x] != x:
        parent[x] = parent[parent[x]]
        x = parent[x]
    return x


def components(o):
    parent = list(range(o.rank.size))
    rank = o.rank.tolist()
    deaths = {}
    for key, i, j, _ in o.edges:
        a, b = find(parent, rank[i]), find(parent, rank[j])
        if a == b:
            continue
        younger, elder = max(a, b), min(a, b)
        parent[younger] = elder
        if o.values[younger] != o.values[key >> 2]:
            deaths[younger] = key >> 2
    return deaths


def match_components(p, g, u):
    deaths_p, deaths_g = components(p), components(g)
    parent = list(range(u.rank.size))
    rank = u.rank.tolist()
    old_p, old_g = p.rank[u.order].tolist(), g.rank[u.order].tolist()
    matched = []
    for key, i, j, _ in u.edges:
        a, b = find(parent, rank[i]), find(parent, rank[j])
        if a == b:
            continue
        younger, elder = max(a, b), min(a, b)
        parent[younger] = elder
        later_p, later_g = max(old_p[a], old_p[b]), max(old_g[a], old_g[b])
        old_p[elder], old_g[elder] = min(old_p[a], old_p[b]), min(old_g[a], old_g[b])
        if u.values[younger] != u.values[key >> 2] and later_p in deaths_p and later_g in deaths_g:
            matched.append(((later_p, deaths_p[later_p]), (later_g, deaths_g[later_g])))
    return matched, deaths_p.items(), deaths_g.items()


def holes(o, union_keys):
    width = o.shape[1]
    keys, tops = o.squares.ravel().tolist(), union_keys.ravel().tolist()
    outside = 2**62
    parent = [0 if k == outside else s for s, k in enumerate(keys)]
    top = list(parent)
    found = []
    for key, i, _, down in reversed(o.edges):
        y, x = divmod(i, width)
        # An edge to the right has a square above and below, an edge down one to the left and to the right.
        s = (y + 1) * (width + 1) + x if down else y * (width + 1) + x + 1
        a, b = find(parent, s), find(parent, s + (1 if down else width + 1))
        if a == b:
            continue
        younger, elder = (a, b) if keys[a] < keys[b] else (b, a)
        parent[younger] = elder
        low, high = (top[a], top[b]) if tops[top[a]] < tops[top[b]] else (top[b], top[a])
        top[elder] = high
        if o.values[keys[younger] >> 2] != o.values[key >> 2]:
            found.append((key >> 2, keys[younger] >> 2, younger, low))
    return found


def betti_matching_error(p, g):
    p, g, u = Order(p), Order(g), Order(np.maximum(p, g))
    matched, all_p, all_g = match_components(p, g, u)
    in_union = {square for _, _, square, _ in holes(u, u.squares)}
    holes_p, holes_g = holes(p, u.squares), holes(g, u.squares)
    by_square = {low: (b, d) for b, d, _, low in holes_p if low in in_union}
    pairs = [(by_square[low], (b, d)) for b, d, _, low in holes_g if low in by_square]
    error = 2 * (p.values[0] - g.values[0]) ** 2
    for pairs, of_p, of_g in (
        (matched, all_p, all_g), (pairs, [h[:2] for h in holes_p], [h[:2] for h in holes_g]),
    ):
        used_p, used_g = {a for a, _ in pairs}, {b for _, b in pairs}
        for (a, b), (c, d) in pairs:
            error += 2 * ((p.values[a] - g.values[c]) ** 2 + (p.values[b] - g.values[d]) ** 2)
        error += sum((p.values[a] - p.values[b]) ** 2 for a, b in of_p if (a, b) not in used_p)
        error += sum((g.values[a] - g.values[b]) ** 2 for a, b in of_g if (a, b) not in used_g)
    return float(error)


def persistence(image):
    o = Order(image)
    return len(components(o)) + len(holes(o, o.squares))


def cl_dice(p, g):
    sp, sg = morphology.skeletonize(p), morphology.skeletonize(g)
    precision, sensitivity = (sp & g).sum() / sp.sum(), (sg & p).sum() / sg.sum()
    return 2 * precision * sensitivity / (precision + sensitivity)


def objects(p, g):
    """AJI and PQ from one mask an object, compared where they overlap."""
    masks_p = {i: p == i for i in np.unique(p) if i}
    masks_g = {j: g == j for j in np.unique(g) if j}
    common_area = union = tp = 0
    sum_iou, used = 0.0, set()
    for mask in masks_g.values():
        best = (0.0, 0, 0, 0)
        for i in np.unique(p[mask]):
            if i:
                inter, joint = (mask & masks_p[i]).sum(), (mask | masks_p[i]).sum()
                if inter / joint > best[0]:
                    best = (inter / joint, inter, joint, i)
        if best[0] > 0:
            common_area, union = common_area + best[1], union + best[2]
            used.add(best[3])
        else:
            union += mask.sum()
        if best[0] > 0.5:
            tp, sum_iou = tp + 1, sum_iou + best[0]
    union += sum(mask.sum() for i, mask in masks_p.items() if i not in used)
    return [common_area / union, sum_iou / (tp + (len(masks_p) - tp) / 2 + (len(masks_g) - tp) / 2)]


def partitions(p, g):
    return [metrics.variation_of_information(g, p).sum(), adjusted_rand_score(g.ravel(), p.ravel())]


def authors_program(folder):
    for name in ("panel", "panel.interact", "panel.widgets", "gudhi", "gudhi.wasserstein"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["panel"].extension = lambda: None
    sys.modules["panel"].interact = sys.modules["panel.interact"]
    sys.modules["panel"].widgets = sys.modules["panel.widgets"]
    sys.modules["panel.interact"].interact = sys.modules["panel.interact"].fixed = None
    sys.modules["gudhi"].wasserstein = sys.modules["gudhi.wasserstein"]
    sys.path.insert(0, folder)
    from BettiMatching import BettiMatching

    return lambda p, g: float(BettiMatching(p, g, filtration="superlevel").loss())


if __name__ == "__main__":
    options = common.parser(__doc__, batch=1)
    options.add_argument("--folder", required=True, help="maps a, b in bytes and nuclei p, g in 16 bits")
    options.add_argument("--side", type=int, default=256)
    options.add_argument("--authors", help="a copy of github.com/nstucki/Betti-matching, measured once")
    options = options.parse_args()
    square = (options.side, options.side)
    a, b = (np.fromfile(f"{options.folder}/{name}", np.uint8).reshape(square) for name in ("a", "b"))
    p, g = (np.fromfile(f"{options.folder}/{name}", np.uint16).reshape(square) for name in ("p", "g"))
    map_a, map_b, mask_a, mask_b = a / 255, b / 255, a > 127, b > 127
    float_a, float_b = mask_a.astype(float), mask_b.astype(float)
    work = {
        "matchingMasks": lambda: betti_matching_error(float_a, float_b),
        "matchingMaps": lambda: betti_matching_error(map_a, map_b),
        "persistence": lambda: persistence(map_a),
        "clDice": lambda: cl_dice(mask_a, mask_b),
        "components": lambda: int(ndimage.label(mask_a, np.ones((3, 3)))[1]),
        "objects": lambda: objects(p, g),
        "partitions": lambda: partitions(p, g),
    }
    once = {}
    if options.authors:
        program = authors_program(options.authors)
        for name, pair in (("matchingMasks", (float_a, float_b)), ("matchingMaps", (map_a, map_b))):
            start = time.perf_counter()
            error = program(*pair)
            once[name] = {"seconds": time.perf_counter() - start, "score": error}

    def block():
        results = {}

        def keep(name, call):
            results[name] = call()

        seconds = {name: common.timed(options, lambda: keep(name, call), options.steps) for name, call in work.items()}
        scores = {name: [float(v) for v in np.ravel(value)] for name, value in results.items()}
        return {"seconds": seconds, "scores": scores, "authors": once, "scipy": scipy.__version__,
                "skimage": skimage.__version__, "numpy": np.__version__}

    common.main("topology", options, 0, block)
