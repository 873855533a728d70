import pytest
import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from reference_network import ReferenceDeepLabV3Plus, randomize_batch_norms
from small_model import (
    CE_DICE,
    CLASSES,
    WIDTH,
    assert_every_parameter_learns,
    build_head,
    build_model,
    objective,
    random_batch,
)
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmseg_custom.models import CEDiceLoss, published_to_mmseg


def upsampled(model, images):
    return F.interpolate(model(images), images.shape[2:], mode='bilinear', align_corners=False)


@pytest.mark.parametrize(('depth', 'blocks'), [(10, (1, 1, 1, 1)), (18, (2, 2, 2, 2)), (34, (3, 4, 6, 3))])
def test_converted_weights_give_the_same_logits(depth, blocks):
    reference = ReferenceDeepLabV3Plus(CLASSES, blocks, WIDTH, aspp_channels=8, reduced=6, channels=10)
    randomize_batch_norms(reference)
    model = build_model(backbone={'depth': depth})
    model.load_state_dict(published_to_mmseg(reference.state_dict()))
    images = random_batch()[0]
    with torch.no_grad():
        for mode in (False, True):
            torch.manual_seed(2)
            expected = reference.train(mode)(images)
            torch.manual_seed(2)
            assert (upsampled(model.train(mode), images) - expected).abs().max() < 1e-5 * expected.abs().max()


def test_full_width_has_the_published_size_and_logits():
    reference = ReferenceDeepLabV3Plus().eval()
    model = build_model(
        {
            'in_channels': (64, 512),
            'aspp_channels': 256,
            'c1_channels': 48,
            'channels': 256,
            'num_classes': 19,
        },
        {'depth': 34, 'base_channels': 64},
    ).eval()
    assert sum(parameter.numel() for parameter in model.parameters()) == 26_715_827
    model.load_state_dict(published_to_mmseg(reference.state_dict()))
    images = random_batch(1)[0]
    with torch.no_grad():
        expected = reference(images)
        assert (upsampled(model, images) - expected).abs().max() < 1e-5


def test_default_head_is_the_published_one():
    head = MODELS.build({'type': 'DeepLabV3PlusHead', 'in_channels': (4, 8), 'in_index': (0, 3), 'num_classes': 19})
    assert [branch.dilation[0] for branch in head.aspp_modules] == [1, 12, 24, 36]
    assert (head.project.out_channels, head.low_level_conv.out_channels, head.channels) == (256, 48, 256)
    assert type(head.aspp_dropout) is nn.Dropout and head.aspp_dropout.p == 0.5
    assert head.dropout is None


def test_head_takes_exactly_two_feature_maps():
    with pytest.raises(ValueError, match=r'in_channels=\(4, 8, 16\)'):
        build_head(in_channels=(4, 8, 16), in_index=(0, 1, 2))


def test_initialisation_is_the_recipe():
    model = build_model({'aspp_channels': 32, 'channels': 32, 'num_classes': 19}, {'base_channels': 16})
    for parameter in model.parameters():
        parameter.data.fill_(7)
    model.init_weights()
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d):
            weight = module.weight.detach()
            expected = (2 / (weight.shape[0] * weight[0, 0].numel())) ** 0.5
            assert abs(weight.std() / expected - 1) < 5 / (2 * weight.numel()) ** 0.5, name
            assert abs(weight.mean() / expected) < 5 / weight.numel() ** 0.5, name
            assert weight.abs().max() > 1.8 * expected, name  # a uniform one ends at 1.73
            assert module.bias is None or (module.bias == 0).all()
        elif isinstance(module, _BatchNorm):
            assert (module.weight == 1).all() and (module.bias == 0).all(), name


@pytest.mark.parametrize('size', [1, 2])
def test_every_parameter_learns_from_a_batch_of_any_size(size):
    model = build_model({'loss_decode': CE_DICE})
    objective(model, size)[0].backward()
    assert_every_parameter_learns(model)


@pytest.mark.parametrize(('size', 'updates'), [(1, 0), (2, 1)])
def test_only_a_batch_of_one_leaves_the_pooling_statistics_alone(size, updates):
    head = build_model().decode_head
    norm = head.image_pool.bn
    randomize_batch_norms(head)
    norm.num_batches_tracked.zero_()
    before = norm.running_mean.clone()
    features = torch.randn(size, 8 * WIDTH, 3, 4)
    output = head.image_pool(features)
    assert norm.num_batches_tracked == updates
    assert torch.equal(norm.running_mean, before) == (updates == 0)
    if size == 1:
        torch.testing.assert_close(output, head.eval().image_pool(features))


def test_a_norm_with_its_own_forward_is_left_to_itself():
    class GatheringNorm(nn.BatchNorm2d):
        def forward(self, x):
            return x + 1

    pool = build_head().image_pool
    pool.bn = GatheringNorm(8)
    features = torch.randn(1, 8 * WIDTH, 3, 4)
    torch.testing.assert_close(pool(features), (pool.conv(features.mean((2, 3), keepdim=True)) + 1).relu())


def test_parts_are_logged_and_the_objective_is_the_total_once():
    model = build_model({'loss_decode': CE_DICE | {'alpha': 0.3}, 'aspp_dropout_ratio': 0.0})
    loss, log = objective(model)
    assert set(log) == {'loss', 'decode.loss_ce_dice', 'decode.ce', 'decode.dice'}
    assert not (log['decode.ce'].requires_grad or log['decode.dice'].requires_grad)
    torch.testing.assert_close(loss, 0.3 * log['decode.ce'] + 0.7 * log['decode.dice'])
    images, samples = random_batch()
    labels = torch.cat([sample.gt_sem_seg.data for sample in samples])
    torch.testing.assert_close(loss, CEDiceLoss(alpha=0.3)(upsampled(model, images), labels))


def test_stock_losses_and_lists_work_in_the_head():
    host = {'type': 'CrossEntropyLoss', 'avg_non_ignore': True}
    _, log = objective(build_model({'loss_decode': [host, CE_DICE, CE_DICE]}))
    assert set(log) == {'loss', 'decode.loss_ce', 'decode.loss_ce_dice', 'decode.ce', 'decode.dice'}
    torch.testing.assert_close(log['loss'], log['decode.loss_ce'] + log['decode.loss_ce_dice'])
    _, single = objective(build_model({'loss_decode': CE_DICE}))
    for name in ('decode.loss_ce_dice', 'decode.ce', 'decode.dice'):
        torch.testing.assert_close(log[name], 2 * single[name])


def test_pixel_sampler_of_mmsegmentation_weighs_the_losses():
    sampler = {'type': 'OHEMPixelSampler', 'thresh': 0.3, 'min_kept': 10}
    loss, _ = objective(build_model({'loss_decode': CE_DICE, 'sampler': sampler}))
    plain, _ = objective(build_model({'loss_decode': CE_DICE}))
    assert loss.isfinite() and loss != plain


@pytest.mark.parametrize('loss_decode', [CE_DICE, {'type': 'CrossEntropyLoss'}])
def test_head_sits_on_a_backbone_of_mmsegmentation(loss_decode):
    backbone = {
        'type': 'ResNetV1c',
        'stem_channels': WIDTH,
        'strides': (1, 2, 1, 1),
        'dilations': (1, 1, 2, 4),
    }
    model = build_model({'loss_decode': loss_decode}, backbone | {'depth': 18})
    loss, log = objective(model)
    loss.backward()
    assert 'decode.acc_seg' not in log
    assert_every_parameter_learns(model.decode_head)


def test_heads_of_mmsegmentation_sit_on_the_backbone():
    common = {'channels': 8, 'num_classes': CLASSES, 'norm_cfg': {'type': 'BN'}, 'loss_decode': CE_DICE}
    fcn = common | {'type': 'FCNHead', 'in_channels': 4 * WIDTH, 'in_index': 2, 'num_convs': 1}
    aspp = common | {'type': 'ASPPHead', 'in_channels': 8 * WIDTH, 'in_index': 3, 'dilations': (1, 12)}
    backbone = {'type': 'DilatedResNet', 'depth': 10, 'base_channels': WIDTH}
    model = {'type': 'EncoderDecoder', 'backbone': backbone, 'decode_head': aspp, 'auxiliary_head': fcn}
    model = MODELS.build(model)
    loss, log = objective(model)
    loss.backward()
    torch.testing.assert_close(loss, log['decode.loss_ce_dice'] + log['aux.loss_ce_dice'])
    assert_every_parameter_learns(model)
