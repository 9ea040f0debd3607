import { readFileSync } from 'node:fs'
import {
  cat,
  F,
  liveTensors,
  manualSeed,
  nn,
  optim,
  randn,
  scope,
  setThreads,
  type Tensor,
} from '@septum/torch'
import { expect, it } from 'vitest'

/** Two 3x3 convolutions, each with a norm and an activation. */
class Double extends nn.Module {
  body: nn.Sequential

  constructor(into: number, out: number) {
    super()
    this.body = new nn.Sequential(
      new nn.Conv2d(into, out, 3, { padding: 1, bias: false }),
      new nn.BatchNorm2d(out),
      new nn.ReLU(),
      new nn.Conv2d(out, out, 3, { padding: 1 }),
      new nn.GroupNorm(2, out),
      new nn.LeakyReLU(0.01),
    )
  }

  forward(x: Tensor): Tensor {
    return this.body.forward(x)
  }
}

class UNet extends nn.Module {
  down = [new Double(1, 4), new Double(4, 8)]
  bottom = new Double(8, 8)
  rise = [new nn.ConvTranspose2d(8, 8, 2, { stride: 2 }), new nn.ConvTranspose2d(8, 4, 2, { stride: 2 })]
  up = [new Double(16, 8), new Double(8, 4)]
  drop = new nn.Dropout2d(0.1)
  head = new nn.Conv2d(4, 1, 1)

  /** @param image [N, 1, H, W], H and W multiples of 4 @returns logits [N, 1, H, W] */
  forward(image: Tensor): Tensor {
    const skips: Tensor[] = []
    let x = image
    for (const level of this.down) {
      x = level.forward(x)
      skips.push(x)
      x = F.maxPool2d(x, 2)
    }
    x = this.drop.forward(this.bottom.forward(x))
    for (const [i, level] of this.up.entries()) {
      x = level.forward(cat([this.rise[i]!.forward(x), skips.pop()!], 1))
    }
    return this.head.forward(x)
  }
}

/**
 * Resident memory of the process's own making. Pages of libraries are left out: the system takes them back and brings
 * them in again as it pleases.
 */
function resident(): number {
  const [, kilobytes] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))!
  return 1024 * Number(kilobytes)
}

/** The engine's young generation grows when it likes, by more than the 5 % below: here it does so before. */
function growYoungGeneration(): void {
  const ring: number[][] = []
  for (let i = 0; i < 400_000; i++) ring[i % 20_000] = Array.from({ length: 50 }, (_, j) => i + j)
}

it('1,000 training steps of a small U-Net learn and leave memory flat', async () => {
  setThreads(1)
  manualSeed(0)
  growYoungGeneration()
  const model = new UNet().to({ memoryFormat: 'channels_last' })
  const optimizer = new optim.AdamW(model.parameters(), { lr: 3e-3 })
  const ema = new optim.EMA(model, { decay: 0.99 })
  const schedule = optim.schedules.cosine({ warmup: 0.05 })

  /** Segment where a smooth random field is positive. */
  const step = (i: number, total: number): number =>
    scope(() => {
      const field = F.interpolate(randn([4, 1, 4, 4]), { size: [16, 16], mode: 'bicubic' })
      const image = field.add(randn([4, 1, 16, 16]).mul(0.1)).contiguous('channels_last')
      optimizer.zeroGrad()
      const loss = F.binaryCrossEntropyWithLogits(model.forward(image), field.gt(0).float())
      loss.backward()
      optim.clipGradNorm_(model.parameters(), 1)
      optimizer.scaleLearningRates(schedule(i, total))
      optimizer.step()
      ema.update()
      return loss.item()
    })

  let early = 0
  let late = 0
  let residentEarly = 0
  let live = 0
  for (let i = 0; i < 1000; i++) {
    const loss = step(i, 1000)
    // As the trainer does: Node gets its turn, and finalisers run.
    await new Promise((resolve) => setImmediate(resolve))
    if (i < 20) early += loss / 20
    if (i >= 980) late += loss / 20
    if (i === 99) {
      residentEarly = resident()
      live = liveTensors()
    }
  }
  expect(liveTensors()).toBe(live)
  expect(resident() / residentEarly - 1).toBeLessThan(0.05)
  expect(late).toBeLessThan(early / 3)
})
