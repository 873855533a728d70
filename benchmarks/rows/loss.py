"""CE + Dice as the recipe uses it (label smoothing 0.1), forward and backward, a tenth of the pixels ignored."""

from collections.abc import Callable, Iterator

import torch.nn.functional as F
from mmseg.models.losses import CrossEntropyLoss, DiceLoss
from torch import Tensor

from benchmarks.frame import Case, Contender, Trial, assert_close, timed
from benchmarks.inputs import IGNORED, logits_and_labels
from benchmarks.options import Options
from benchmarks.peers.client import Peers
from benchmarks.rows.published_loss import published_loss
from mmseg_custom.models import CEDiceLoss

TOLERANCE = 1e-5
PEERS = ('MONAI', 'segmentation_models.pytorch')
SHAPE = {'batch': 4, 'classes': 19, 'height': 512, 'width': 1024}
QUICK = {**SHAPE, 'batch': 1, 'height': 64, 'width': 128}
Loss = Callable[[Tensor, Tensor], Tensor]


def cases(options: Options, peers: Peers) -> Iterator[Case]:
    shape = QUICK if options.quick else SHAPE
    for stride in (1, 4):
        yield _case(options, peers, {**shape, 'stride': stride}, memory=True)
    grown = {
        'pixels': [{'height': shape['height'] >> k, 'width': shape['width'] >> k} for k in (2, 1, 0)],
        'classes': [{'classes': classes} for classes in (2, 19, 150)],
        'batch': [{'batch': batch} for batch in (1, 2, 8)],
    }
    for axis, changes in grown.items():
        for change in changes:
            size = {**shape, 'batch': 1, **change}
            value = size['height'] * size['width'] if axis == 'pixels' else size[axis]
            yield _case(options, peers, size, axis=axis, value=value)
    for load in (0, 1):
        for stride in (1, 4):
            size = {**shape, 'stride': stride}
            yield _case(options, peers, size, axis='busy processes', value=load, load=load)


def _case(options: Options, peers: Peers, size: dict, **kwargs: object) -> Case:
    stride = size.get('stride', 1)
    logits = '{batch}x{classes}x{0}x{1}'.format(size['height'] // stride, size['width'] // stride, **size)
    work = f'CE + Dice, forward and backward, logits {logits}'
    if stride > 1:
        work = f'bilinear x{stride} and {work}'
    row = 'loss' if stride == 1 else 'decoder_loss'
    return Case(row, work, lambda: build(options, peers, 'axis' in kwargs, **size), **kwargs)


def build(options: Options, peers: Peers, growth: bool, stride: int = 1, **size: int) -> Trial:
    """The contenders; of those that do not set the pace, none where growth is measured."""
    logits, labels = logits_and_labels(**size, stride=stride, device=options.device)
    losses = own_losses()

    def step(loss: Loss) -> None:
        loss(logits, labels).backward()
        logits.grad = None  # Part of the memory of a step.

    def contender(name: str, role: str, loss: Loss) -> Contender:
        return Contender(name, role, timed(lambda: step(loss), options.device))

    found = [contender('F.cross_entropy', 'floor', at_full_size(cross_entropy))]
    found += [contender('fused', 'ours', losses['fused']), contender('plain', 'twin', losses['plain'])]
    if not growth:
        found.append(contender('mmseg CE + DiceLoss', 'peer', at_full_size(mmseg_pair())))
        found.append(contender('published code, rewritten', 'peer', at_full_size(published_loss)))
        arguments = {**size, 'stride': stride, 'device': options.device, 'threads': options.threads}
        found += [peers.contender(name, **arguments) for name in PEERS]
    return Trial(found, lambda: check(losses, logits, labels, published=not growth))


def own_losses() -> dict[str, Loss]:
    def ours(implementation: str) -> Loss:
        loss = CEDiceLoss(implementation=implementation)
        return lambda logits, labels: loss.loss_and_parts(logits, labels, align_corners=False)[0]

    return {'fused': ours('fused'), 'plain': ours('plain')}


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(logits, labels, ignore_index=IGNORED)


def mmseg_pair() -> Loss:
    """MMSegmentation's own two losses; its Dice pools the classes, and neither smooths labels."""
    parts = ((0.6, CrossEntropyLoss(avg_non_ignore=True)), (0.4, DiceLoss(use_sigmoid=False)))
    return lambda logits, labels: sum(share * loss(logits, labels, ignore_index=IGNORED) for share, loss in parts)


def at_full_size(loss: Loss) -> Loss:
    def call(logits: Tensor, labels: Tensor) -> Tensor:
        if logits.shape[2:] != labels.shape[1:]:
            logits = F.interpolate(logits, labels.shape[1:], mode='bilinear', align_corners=False)
        return loss(logits, labels)

    return call


def check(losses: dict[str, Loss], logits: Tensor, labels: Tensor, published: bool) -> None:
    """The fused loss against the plain one, value and gradient; the published one in its value."""
    values, gradients = {}, {}
    for name, loss in losses.items():
        logits.grad = None
        values[name] = loss(logits, labels)
        values[name].backward()
        gradients[name] = logits.grad
    assert_close('fused loss', values['fused'], values['plain'], TOLERANCE)
    assert_close('gradient of the fused loss', gradients['fused'], gradients['plain'], TOLERANCE)
    if published:
        assert_close('published loss', at_full_size(published_loss)(logits, labels), values['plain'], TOLERANCE)
