"""
Makes weights.safetensors: MobileNetV2 with torchvision's names and batch norms, from weights that have their batch
norms folded in (google-coral/test_data, tf2_mobilenet_v2_1.0_224_ptq.tflite, dequantised; Apache-2.0).

A folded convolution y = W x + b says nothing of its batch norm, but any batch norm with mean m, variance v, scale
sqrt(v + eps) and shift b + m gives the same output in evaluation. With m and v measured on photographs it also
works in training, where the statistics of the batch take their place. Measured here on crops of the photographs
that come with scikit-image (their statistics, not their pixels, end up in the file).

python3 convert.py SOURCE.safetensors
"""

import json
import pathlib
import struct
import sys

import numpy as np
import skimage.data
import skimage.io
import torch
import torch.nn.functional as F

EPS = 1e-5
HERE = pathlib.Path(__file__).parent
STAGES = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]


def load(path):
    raw = pathlib.Path(path).read_bytes()
    length = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + length])
    types = {"F16": np.float16, "F32": np.float32}
    return {
        name: torch.from_numpy(
            np.frombuffer(raw, types[entry["dtype"]], int(np.prod(entry["shape"])), 8 + length + entry["data_offsets"][0])
            .reshape(entry["shape"])
            .astype(np.float32)
        )
        for name, entry in header.items()
        if name != "__metadata__"
    }


def save(path, tensors, metadata):
    header, data, at = {"__metadata__": metadata}, [], 0
    for name in sorted(tensors):
        array = tensors[name].contiguous().numpy()
        kind = {"float16": "F16", "float32": "F32", "int64": "I64"}[str(array.dtype)]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
        data.append(array.tobytes())
        at += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    pathlib.Path(path).write_bytes(struct.pack("<Q", len(text)) + text + b"".join(data))


def photographs(count, side, generator):
    """Crops [count, 3, side, side] in -1 .. 1 of several sizes, half of them mirrored."""
    names = ["astronaut", "chelsea", "coffee", "rocket", "motorcycle_left", "motorcycle_right"]
    folder = pathlib.Path(skimage.data.__file__).parent
    images = []
    for name in names:
        path = next(p for p in (folder / f"{name}.png", folder / f"{name}.jpg") if p.exists())
        images.append(torch.from_numpy(skimage.io.imread(path)[..., :3].copy()).permute(2, 0, 1).float() / 127.5 - 1)
    out = []
    for i in range(count):
        image = images[i % len(images)]
        h, w = image.shape[1:]
        crop = int(min(h, w) * (0.4 + 0.6 * torch.rand((), generator=generator).item()))
        y = torch.randint(0, h - crop + 1, (), generator=generator).item()
        x = torch.randint(0, w - crop + 1, (), generator=generator).item()
        piece = F.interpolate(image[None, :, y : y + crop, x : x + crop], size=side, mode="bilinear", align_corners=False)
        out.append(piece.flip(3) if i % 2 else piece)
    return torch.cat(out)


def main(source):
    torch.set_num_threads(1)
    folded = load(source)
    result = {}

    def layer(x, name, ours, norm, stride, groups, active):
        """One convolution of the folded network; keeps it with a batch norm that fits x."""
        weight, bias = folded[f"{name}.weight"], folded[f"{name}.bias"]
        if stride == 2:
            x = F.pad(x, (x.shape[3] % 2, 1, x.shape[2] % 2, 1))
        padding = 0 if stride == 2 else weight.shape[-1] // 2
        bare = F.conv2d(x, weight, None, stride, padding, 1, groups)
        mean = bare.mean((0, 2, 3))
        variance = bare.var((0, 2, 3), unbiased=False)
        result[f"{ours}.weight"] = weight.half()
        result[f"{norm}.weight"] = (variance + EPS).sqrt()
        result[f"{norm}.bias"] = bias + mean
        result[f"{norm}.running_mean"] = mean
        result[f"{norm}.running_var"] = variance
        result[f"{norm}.num_batches_tracked"] = torch.tensor(1)
        y = bare + bias[:, None, None]
        return y.clamp(0, 6) if active else y

    with torch.no_grad():
        x = photographs(48, 224, torch.Generator().manual_seed(0))
        x = layer(x, "stem", "features.0.0", "features.0.1", 2, 1, True)
        number, inside = 1, 32
        for expansion, width, count, stride in STAGES:
            for i in range(count):
                at, before, hidden, step = f"features.{number}.conv", x, inside * expansion, stride if i == 0 else 1
                block, index = f"block{number}", 0
                if expansion > 1:
                    x = layer(x, f"{block}.expand", f"{at}.0.0", f"{at}.0.1", 1, 1, True)
                    index = 1
                x = layer(x, f"{block}.depthwise", f"{at}.{index}.0", f"{at}.{index}.1", step, hidden, True)
                x = layer(x, f"{block}.project", f"{at}.{index + 1}", f"{at}.{index + 2}", 1, 1, False)
                if step == 1 and inside == width:
                    x = x + before
                if number in (1, 3, 6, 13, 17):
                    print(f"{block}: standard deviation {x.std().item():.4f}")
                number, inside = number + 1, width
    save(
        HERE / "weights.safetensors",
        result,
        {
            "backbone": "mobilenet-v2",
            "source": "google-coral/test_data, tf2_mobilenet_v2_1.0_224_ptq.tflite, dequantised",
            "license": "Apache-2.0",
        },
    )


if __name__ == "__main__":
    main(sys.argv[1])
