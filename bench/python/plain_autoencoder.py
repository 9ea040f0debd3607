"""Training step of AR-Seg stage 1 (4,393,025 parameters, 128x128 masks) in plain PyTorch eager."""

import common

OPTIONS = common.parser(__doc__, batch=8).parse_args()
torch = common.load_torch(OPTIONS)
from autoencoder import Autoencoder, mask_loss  # noqa: E402  (after load_torch, which sets the threads)

model = Autoencoder().to(OPTIONS.device)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, betas=(0.5, 0.9))
masks = common.disc_masks(torch, OPTIONS.batch, 128, torch.Generator().manual_seed(OPTIONS.seed)).to(OPTIONS.device)


def step():
    optimizer.zero_grad(set_to_none=True)
    logits, quantizer_loss = model(masks)
    loss = mask_loss(logits, masks) + quantizer_loss
    loss.backward()
    optimizer.step()
    return loss.detach()


common.main("plain_autoencoder", OPTIONS, common.count_parameters(model), common.training_block(OPTIONS, step))
