"""
Training step of AR-Seg stage 2 (GPT depth 8, width 256, own CNN image encoder, 128x128) in plain PyTorch eager,
or, with --sample N, sampling N masks of one image without a cache.
"""

import statistics

import common

parser = common.parser(__doc__, batch=8)
parser.add_argument("--channels", type=int, default=1, help="image channels")
parser.add_argument("--dropout", type=float, default=0.1)
parser.add_argument("--clip", type=float, default=1.0, help="largest gradient norm; 0: gradients stay as they are")
parser.add_argument("--tokens", choices=["online", "given"], default="online",
                    help="online: the frozen autoencoder turns masks into tokens in every step, as in the paper")
parser.add_argument("--sample", type=int, default=0, metavar="N", help="measure sampling N masks instead of training")
OPTIONS = parser.parse_args()
torch = common.load_torch(OPTIONS)
import torch.nn.functional as F  # noqa: E402

from autoencoder import Autoencoder  # noqa: E402
from transformer import Segmentor, optimizer_of, sample_tokens  # noqa: E402

TEMPERATURE, TOP_K = (1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.1), 100

generator = torch.Generator().manual_seed(OPTIONS.seed)
autoencoder = Autoencoder().to(OPTIONS.device).eval().requires_grad_(False)
model = Segmentor(OPTIONS.channels, OPTIONS.dropout).to(OPTIONS.device)
masks = common.disc_masks(torch, OPTIONS.batch, 128, generator).to(OPTIONS.device)
images = torch.rand(OPTIONS.batch, OPTIONS.channels, 128, 128, generator=generator).to(OPTIONS.device)


def encode():
    with torch.no_grad():
        return autoencoder.quantizer.encode(autoencoder.latent(masks))


def training():
    optimizer = optimizer_of(model)
    given = encode()

    def step():
        tokens, inputs = encode() if OPTIONS.tokens == "online" else given
        optimizer.zero_grad(set_to_none=True)
        logits = model.logits(model.prefix(images), inputs)
        loss = F.cross_entropy(logits.flatten(0, 1), tokens.flatten())
        loss.backward()
        if OPTIONS.clip:
            torch.nn.utils.clip_grad_norm_(model.parameters(), OPTIONS.clip)
        optimizer.step()
        return loss.detach()

    return common.training_block(OPTIONS, step)


def sampling(count):
    """Times image encoder, transformer loop and mask decoder of `count` samples of one image, apart."""
    model.eval()
    image, state = images[:1], {}

    @torch.no_grad()
    def encoder():
        state["prefix"] = model.prefix(image)

    def transformer():
        state["latent"] = sample_tokens(model, autoencoder.quantizer, state["prefix"], count, TEMPERATURE, TOP_K)

    @torch.no_grad()
    def decoder():
        state["masks"] = autoencoder.decode(state["latent"]).sigmoid() > 0.5

    parts = {"encoder": encoder, "transformer": transformer, "decoder": decoder}

    def block():
        times = {name: [] for name in parts}
        for _ in range(OPTIONS.steps):
            for name, part in parts.items():
                times[name] += common.timed(OPTIONS, part, 1)
        totals = [sum(together) for together in zip(*times.values())]
        return {"samples": count, "seconds_per_run": statistics.median(totals), "seconds": totals,
                "parts": {name: statistics.median(seconds) for name, seconds in times.items()}}

    for part in parts.values():
        part()
    return block


common.main("plain_transformer", OPTIONS, common.count_parameters(model),
            sampling(OPTIONS.sample) if OPTIONS.sample else training())
