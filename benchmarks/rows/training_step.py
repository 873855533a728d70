"""One step of training: preprocessing, forward, loss, backward, clipping and Adam."""

import math
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import torch
from mmengine.optim import OptimWrapper
from torch import Tensor, nn

from benchmarks.frame import Case, Contender, Trial, timed
from benchmarks.machine import bf16_note
from benchmarks.network import batch_of, build_network, working_size
from benchmarks.options import Options
from benchmarks.peers.client import Peers
from benchmarks.rows.published_loss import published_loss
from mmseg_custom.engine import AutocastOptimWrapper
from mmseg_custom.engine.compilation import compile_works

# Of the loss and the gradient's norm, by `amp`; batch norm over two pooled values a channel enlarges every error.
LOSS_TOLERANCE = {False: 1e-3, True: 3e-2}
NORM_TOLERANCE = {False: 1e-2, True: 2e-1}


class Variant(NamedTuple):
    """What a step is made of.

    Attributes:
        name: In the table.
        role: As of a :class:`Contender`.
        loss: ``'fused'``, ``'plain'`` or ``'published'``.
        amp: Whether the forward pass is in bfloat16 autocast.
        channels_last: The memory format of weights and images.
        compiled: Whether the network goes through :func:`torch.compile`.
    """

    name: str
    role: str = 'option'
    loss: str = 'fused'
    amp: bool = False
    channels_last: bool = False
    compiled: bool = False


class First(NamedTuple):
    """Loss, and norm of the gradient before it is clipped."""

    loss: float
    norm: float


VARIANTS = (
    Variant('fp32, plain loss', 'twin', loss='plain'),
    Variant('train.py: fp32'),
    Variant('train.py --amp: bf16, channels_last', amp=True, channels_last=True),
    Variant('bf16 alone', amp=True),
    Variant('channels_last alone', channels_last=True),
    Variant("fp32 with the published code's loss", 'peer', loss='published'),
)
COMPILED = (Variant('fp32, compiled', compiled=True), VARIANTS[2]._replace(name='--amp, compiled', compiled=True))


class PublishedLoss(nn.Module):
    """The published code's loss as a head calls it."""

    loss_name = 'loss_published'

    def forward(self, logits: Tensor, labels: Tensor, **kwargs: object) -> Tensor:
        """The loss; what else a head says is ignored."""
        return published_loss(logits, labels)


def cases(options: Options, peers: Peers) -> Iterator[Case]:
    height, width = working_size(options)
    for batch in (2, 8) if options.full else (2,):
        work = f'training step of the full network, batch {batch}, {height}x{width}'
        yield Case('training_step', work, partial(build, options, batch), rounds=3)
    for batch in (1, 2, 4) if options.full else ():
        build_one = partial(build_growth, options, batch)
        yield Case('training_step', 'training step', build_one, axis='batch', value=batch, rounds=3)


def build(options: Options, batch: int) -> Trial:
    """Ours is what a user does best to call here: ``--amp`` where there are bf16 instructions."""
    note = bf16_note(options.device)
    best = VARIANTS[1 if note else 2]
    variants = (*VARIANTS, *COMPILED) if options.full and compile_works() else VARIANTS
    steps, contenders = [], []
    for variant in variants:
        role, remark = 'ours' if variant is best else variant.role, note if variant.amp else ''
        step = None if remark and not options.full else Step(options, batch, variant)
        steps += [step] if step else []
        contenders.append(Contender(variant.name, role, step.measure if step else None, remark))
    return Trial(contenders, lambda: check(steps))


def build_growth(options: Options, batch: int) -> Trial:
    step = Step(options, batch, Variant('fp32'))
    return Trial([Contender(step.variant.name, 'ours', step.measure)], lambda: check([step]))


class Step:
    """A network in training.

    Attributes:
        first: What the first step gave, ``None`` before it.
    """

    def __init__(self, options: Options, batch: int, variant: Variant) -> None:
        implementation = 'plain' if variant.loss == 'plain' else 'fused'
        self.variant, self.first = variant, None
        self.model = build_network(options, implementation).train()
        self.dropouts = [module for module in self.model.modules() if isinstance(module, nn.Dropout | nn.Dropout2d)]
        if variant.loss == 'published':
            self.model.decode_head.loss_decode = PublishedLoss()
        if variant.channels_last:
            self.model.to(memory_format=torch.channels_last)
        if variant.compiled:
            self.model.compile()
        wrapper = AutocastOptimWrapper if variant.amp else OptimWrapper
        optimizer = torch.optim.Adam(self.model.parameters(), lr=5e-5, weight_decay=1e-3)
        self.wrapper = wrapper(optimizer=optimizer, clip_grad={'max_norm': 1.0})
        self.batch = batch_of(options, batch)
        self.measure = timed(self.run, options.device)

    def run(self) -> None:
        """One step; the first one, which is compared, without dropout: its mask depends on the memory format."""
        for module in self.dropouts:
            module.train(self.first is not None)
        log = self.model.train_step(self.batch, self.wrapper)
        if self.first is None:
            norm = self.wrapper.message_hub.get_scalar('train/grad_norm').current()
            self.first = First(log['loss'].item(), norm)


def check(steps: list[Step]) -> None:
    """The first step has the same loss whatever the way, and the same norm of the gradient."""
    expected = steps[0].first
    for variant, found in ((step.variant, step.first) for step in steps):
        same = math.isclose(found.loss, expected.loss, rel_tol=LOSS_TOLERANCE[variant.amp])
        assert same, f'{variant.name}: loss {found.loss}, not {expected.loss}'
        if variant.loss != 'published':  # Its cross-entropy has no gradient.
            same = math.isclose(found.norm, expected.norm, rel_tol=NORM_TOLERANCE[variant.amp])
            assert same, f'{variant.name}: gradient {found.norm}, not {expected.norm}'
