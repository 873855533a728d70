"""Each image learns from its own teacher; values by hand."""

from math import log
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmseg.models.decode_heads import PIDHead
from small_model import CLASSES, build_model, random_batch

from mmseg_custom.cross_validation.distill import check_distillable
from mmseg_custom.hooks.distillation_hook import (
    DistillationError,
    DistillationHook,
    Teachers,
    check_head,
    logits_of,
)
from mmseg_custom.io.checkpoints.checkpoint_file import hash_weights
from mmseg_custom.models.losses.distillation_loss import distillation_loss


def test_loss_by_hand():
    # A student that knows nothing, of a teacher that is sure (ln 2), of one like itself (0), and a pixel left out.
    logits = torch.zeros(1, 2, 1, 3, requires_grad=True)
    target = torch.tensor([[[[1.0, 0.5, 0.0]], [[0.0, 0.5, 1.0]]]])
    loss = distillation_loss(logits, target, torch.tensor([[[True, True, False]]]))
    assert loss.item() == pytest.approx(log(2) / 2)
    loss.backward()
    assert logits.grad[0, :, 0].tolist() == [[-0.25, 0.0, 0.0], [0.25, 0.0, 0.0]]


def test_temperature_divides_the_logits_and_its_square_multiplies():
    logits, target = torch.tensor([2.0, 0.0]).view(1, 2, 1, 1), torch.tensor([1.0, 0.0]).view(1, 2, 1, 1)
    expected = 4 * -torch.tensor([1.0, 0.0]).log_softmax(0)[0].item()
    every = torch.ones(1, 1, 1, dtype=torch.bool)
    assert distillation_loss(logits, target, every, temperature=2.0).item() == pytest.approx(expected)
    assert distillation_loss(logits, target, ~every).item() == 0


MODEL = {
    'type': 'EncoderDecoder',
    'backbone': {'type': 'DilatedResNet', 'depth': 10, 'base_channels': 8},
    'decode_head': {
        'type': 'DeepLabV3PlusHead',
        **dict(
            in_channels=(8, 64), in_index=(0, 3), aspp_channels=8, c1_channels=6, channels=10, num_classes=CLASSES
        ),
    },
}


@pytest.fixture
def teachers(tmp_path):
    """Two networks, one of which teaches image a, and their file."""
    networks = [build_model().eval(), build_model().eval()]
    with torch.no_grad():
        for parameter in networks[1].parameters():
            parameter.mul_(1.5)
    files = [str(tmp_path / f'fold{number}.pth') for number in (1, 2)]
    for network, file in zip(networks, files, strict=True):
        torch.save({'state_dict': network.state_dict()}, file)
    digests = [hash_weights(network.state_dict()) for network in networks]
    Teachers(files, digests, {'a': 1}).write(tmp_path / 'teachers.json')
    return networks, tmp_path / 'teachers.json'


def batch():
    inputs, samples = random_batch(2)
    for sample, name in zip(samples, ('a', 'unknown'), strict=True):
        sample.set_metainfo({'img_path': name})
    return inputs, samples


def test_an_image_is_taught_by_its_own_teacher_and_an_unknown_one_by_all(teachers):
    networks, file = teachers
    student, hook = build_model(), DistillationHook(file)
    keys = list(student.state_dict())
    plain, _ = student.parse_losses(student.loss(*batch()))
    hook.before_train(SimpleNamespace(model=student, cfg=Config({'model': MODEL})))
    inputs, samples = batch()
    target = hook.probabilities(inputs, samples)
    alone = [
        logits_of(network, inputs[[row]]).softmax(1)[0] for network, row in zip(networks[::-1], (0, 1), strict=True)
    ]
    both = torch.stack([alone[1], logits_of(networks[1], inputs[[1]]).softmax(1)[0]]).mean(0)
    torch.testing.assert_close(target, torch.stack([alone[0], both]))
    assert not target.requires_grad
    losses = student.loss(*batch())
    total, _ = student.parse_losses(losses)
    assert losses['decode.loss_distillation'] > 0
    torch.testing.assert_close(total, plain + losses['decode.loss_distillation'])
    assert list(student.state_dict()) == keys
    hook.after_train(SimpleNamespace(model=student))
    assert 'decode.loss_distillation' not in student.loss(*batch())


def test_void_teaches_nothing(teachers):
    hook, student = DistillationHook(teachers[1]), build_model()
    hook.before_train(SimpleNamespace(model=student, cfg=Config({'model': MODEL})))
    inputs, samples = batch()
    for sample in samples:
        sample.gt_sem_seg.data.fill_(255)
    assert student.loss(inputs, samples)['decode.loss_distillation'] == 0


def test_teachers_that_have_changed_are_refused(teachers):
    networks, file = teachers
    runner = SimpleNamespace(model=build_model(), cfg=Config({'model': MODEL}))
    with pytest.raises(DistillationError, match='names other weights than the config'):
        DistillationHook(file, digests=['x', 'y']).before_train(runner)
    torch.save({'state_dict': networks[0].state_dict()}, Teachers.read(file).weights[1])
    with pytest.raises(DistillationError, match=r'fold2\.pth has changed'):
        DistillationHook(file).before_train(runner)
    with pytest.raises(DistillationError, match='is not there'):
        DistillationHook('nowhere.json').before_train(runner)


def test_what_cannot_be_distilled_is_known_before_the_first_step():
    with pytest.raises(DistillationError, match='PIDHead computes its losses in its own way'):
        check_head(PIDHead)
    data = {
        'type': 'RepeatDataset',
        'dataset': {'type': 'MultiImageMixDataset', 'dataset': {'type': 'BaseSegDataset'}},
    }
    user = ConfigDict(model=MODEL, train_dataloader={'dataset': data})
    with pytest.raises(DistillationError, match='several images, which have several teachers'):
        check_distillable(Config(user))
    data['dataset'] = {'type': 'BaseSegDataset'}
    check_distillable(Config(ConfigDict(model=MODEL, train_dataloader={'dataset': data})))
