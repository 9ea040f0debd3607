"""
Time of one operator call on tiny tensors, in nanoseconds: what the language binding and dispatch cost.
Each operator is measured in inference (no_grad) and with inputs that require gradients (graph recorded, not run).
"""

import statistics
import time

import common

parser = common.parser(__doc__, batch=1, steps=9)
parser.add_argument("--calls", type=int, default=2000, help="calls in one timed loop; --steps loops, the median counts")
parser.set_defaults(threads=1)
OPTIONS = parser.parse_args()
torch = common.load_torch(OPTIONS)
import torch.nn.functional as F  # noqa: E402


def operators(gradient):
    make = lambda *shape: torch.randn(*shape, device=OPTIONS.device, requires_grad=gradient)
    a, b, square, other = make(1), make(1), make(2, 2), make(2, 2)
    image, weight, bias = make(1, 1, 4, 4), make(1, 1, 3, 3), make(1)
    return {
        "add": lambda: torch.add(a, b),
        "relu": lambda: torch.relu(a),
        "matmul": lambda: torch.matmul(square, other),
        "view": lambda: square.view(4),
        "cat": lambda: torch.cat([a, b]),
        "conv2d": lambda: F.conv2d(image, weight, bias, padding=1),
    }


def loop(call, calls):
    common.synchronize(OPTIONS)
    start = time.perf_counter_ns()
    for _ in range(calls):
        call()
    common.synchronize(OPTIONS)
    return (time.perf_counter_ns() - start) / calls


def empty():
    """The loop and the Python call of the measured closure are part of every figure; this is what they cost."""
    return loop(lambda: None, OPTIONS.calls)


SETS = {"inference": operators(False), "gradient": operators(True)}


def block():
    result = {"empty_call_ns": statistics.median(empty() for _ in range(OPTIONS.steps))}
    for mode, calls in SETS.items():
        with torch.set_grad_enabled(mode == "gradient"):
            result[mode] = {
                name: statistics.median(loop(call, OPTIONS.calls) for _ in range(OPTIONS.steps))
                for name, call in calls.items()
            }
    return result


for calls in SETS.values():
    for call in calls.values():
        loop(call, OPTIONS.calls // 4)
common.main("op_overhead", OPTIONS, 0, block)
