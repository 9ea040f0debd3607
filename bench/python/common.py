"""What the plain PyTorch programs share: command line, thread set-up, timing, and the `--serve` protocol."""

import argparse
import json
import os
import resource
import statistics
import sys
import time


def parser(description, batch, steps=20):
    result = argparse.ArgumentParser(description=description)
    result.add_argument("--batch", type=int, default=batch)
    result.add_argument("--steps", type=int, default=steps, help="timed steps of one measurement block")
    result.add_argument("--warmup", type=int, default=3, help="untimed steps before the first block")
    result.add_argument("--threads", type=int, default=2)
    result.add_argument("--wait", choices=["default", "passive"], default="default",
                        help="what idle OpenMP threads do; `passive` helps where the BLAS has threads of its own")
    result.add_argument("--device", default="cpu", help="cpu or cuda")
    result.add_argument("--seed", type=int, default=0)
    result.add_argument("--json", action="store_true", help="one JSON line instead of text")
    result.add_argument("--serve", action="store_true", help="one block and one JSON line for each line `run` on stdin")
    return result


def load_torch(options):
    """
    Imports PyTorch with the wanted number of threads.
    BLAS and OpenMP read their settings when they are loaded, so the environment is set before the import.

    Debian's `libopenblas0-pthread` has a thread pool of its own beside PyTorch's OpenMP pool, and idle threads of
    one spin while the other computes: with as many threads as cores, a transformer step takes up to twice as long.
    `libopenblas0-openmp` shares one pool. A comparison must give both sides the same BLAS and the same `--wait`.
    """
    if options.wait == "passive":
        os.environ["OMP_WAIT_POLICY"] = "passive"
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(options.threads)
    import torch

    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    return torch


def loaded_blas():
    """The BLAS library of this process, e.g. `openblas-openmp/libopenblasp-r0.3.21.so`, from its memory map."""
    try:
        paths = {line.split()[-1] for line in open("/proc/self/maps") if "/" in line}
    except OSError:
        return "unknown"
    names = sorted("/".join(path.split("/")[-2:]) for path in paths if "blas" in path.split("/")[-1])
    return ", ".join(names) or "none"


def tree_seconds():
    """Processor time of this process, its children that ended, and those that run (Linux; elsewhere without these)."""
    total = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    try:
        children = open(f"/proc/self/task/{os.getpid()}/children").read().split()
    except OSError:
        return total
    for child in children:
        try:
            fields = open(f"/proc/{child}/stat").read().rsplit(") ", 1)[1].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except OSError:
            continue
    return total


def peak_rss_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def synchronize(options):
    if options.device == "cuda":
        import torch

        torch.cuda.synchronize()


def timed(options, call, count):
    """Seconds of each of `count` calls."""
    seconds = []
    for _ in range(count):
        synchronize(options)
        start = time.perf_counter()
        call()
        synchronize(options)
        seconds.append(time.perf_counter() - start)
    return seconds


def describe(name, options, parameters):
    import torch

    return {"name": name, "parameters": parameters, "batch": options.batch, "device": options.device,
            "threads": torch.get_num_threads(), "torch": torch.__version__, "blas": loaded_blas(),
            "wait": os.environ.get("OMP_WAIT_POLICY", "default")}


def training_block(options, step):
    """`step()` returns the loss. One block is `--steps` steps; its figure is the median."""
    losses = []

    def block():
        seconds = timed(options, lambda: losses.append(step()), options.steps)
        return {"seconds_per_step": statistics.median(seconds), "seconds": seconds, "steps": options.steps,
                "loss": float(losses[-1])}

    for _ in range(options.warmup):
        step()
    return block


def main(name, options, parameters, block):
    """
    Runs one block, or serves blocks so that a driver can measure two programs in turn in one run.

    `--serve`: prints `{"ready": true, ...}` after set-up and warm-up, then answers each line `run` with one JSON
    line that has `block` (counted from 0), the figures and `peak_rss`. `quit` or end of input ends the program;
    another line is answered with `{"error": ...}`.
    """
    facts = describe(name, options, parameters)
    if not options.serve:
        answer = {**facts, **block(), "peak_rss": peak_rss_bytes()}
        print(json.dumps(answer) if options.json else "\n".join(f"{k}: {v}" for k, v in answer.items()))
        return
    print(json.dumps({"ready": True, **facts}), flush=True)
    number = 0
    for line in sys.stdin:
        command = line.strip()
        if command == "quit":
            return
        if command != "run":
            print(json.dumps({"error": f"unknown command {command!r}; known: run, quit"}), flush=True)
            continue
        print(json.dumps({"block": number, **facts, **block(), "peak_rss": peak_rss_bytes()}), flush=True)
        number += 1


def count_parameters(module):
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def disc_masks(torch, batch, side, generator):
    """Binary masks [B, 1, side, side]: a disc each, of random centre and radius."""
    centre = torch.rand(batch, 2, 1, 1, generator=generator) * side * 0.5 + side * 0.25
    radius = torch.rand(batch, 1, 1, generator=generator) * side * 0.2 + side * 0.05
    axis = torch.arange(side).float()
    distance = (axis[None, :, None] - centre[:, 0]) ** 2 + (axis[None, None, :] - centre[:, 1]) ** 2
    return (distance < radius**2).float()[:, None]
