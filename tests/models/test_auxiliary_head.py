import torch
from small_model import CE_DICE, CLASSES, WIDTH, assert_every_parameter_learns, build_model, objective, random_batch

AUXILIARY = {
    'type': 'AuxiliaryHead',
    'in_channels': 4 * WIDTH,
    'in_index': 2,
    'channels': 6,
    'num_classes': CLASSES,
    'loss_decode': {'type': 'CEDiceLoss', 'loss_weight': 0.4},
}


def test_both_heads_train_and_the_log_has_their_terms():
    model = build_model({'loss_decode': CE_DICE}, auxiliary_head=AUXILIARY).train()
    loss, log = objective(model)
    assert log.keys() == {
        f'{head}.{name}' for head in ('decode', 'aux') for name in ('loss_ce_dice', 'ce', 'dice')
    } | {'loss'}
    assert torch.isclose(loss, log['decode.loss_ce_dice'] + log['aux.loss_ce_dice'])
    assert torch.isclose(log['aux.loss_ce_dice'], 0.4 * (0.6 * log['aux.ce'] + 0.4 * log['aux.dice']))
    loss.backward()
    assert_every_parameter_learns(model)


def test_auxiliary_loss_reaches_the_backbone_no_further_than_its_stage():
    model = build_model({'loss_decode': {**CE_DICE, 'loss_weight': 0.0}}, auxiliary_head=AUXILIARY).train()
    objective(model)[0].backward()
    for name, parameter in model.backbone.named_parameters():
        assert parameter.grad.any() == (not name.startswith('layer4')), name


def test_ignored_pixels_count_in_neither_head():
    model = build_model({'loss_decode': CE_DICE}, auxiliary_head=AUXILIARY).train()
    inputs, samples = random_batch()
    for sample in samples:
        sample.gt_sem_seg.data[:] = 255
    loss, _ = model.parse_losses(model.loss(inputs, samples))
    loss.backward()
    assert loss == 0
    assert all(not parameter.grad.any() for parameter in model.parameters())


def test_prediction_does_without_it():
    torch.manual_seed(0)
    model = build_model(auxiliary_head=AUXILIARY).eval()
    inputs, _ = random_batch(1)
    with torch.no_grad():
        expected = model.encode_decode(inputs, [{'img_shape': (64, 96)}])
        model.auxiliary_head = None
        assert torch.equal(model.encode_decode(inputs, [{'img_shape': (64, 96)}]), expected)
