from pathlib import Path

from mmengine.config import Config
from mmseg.registry import MODELS
from small_model import WIDTH, random_batch

SWITCHES = Path(__file__).resolve().parents[2] / 'studies' / 'switches'


def model_of(switch):
    return Config.fromfile(SWITCHES / f'{switch}.py').model


def test_all_switches_train_together():
    cfg = model_of('ohem')
    cfg.decode_head.loss_decode.append(model_of('lovasz').decode_head.loss_decode[-1])
    cfg.backbone.deep_stem = model_of('deep_stem').backbone.deep_stem
    cfg.auxiliary_head = model_of('aux_head').auxiliary_head
    cfg.backbone.update(depth=10, base_channels=WIDTH)
    cfg.decode_head.update(in_channels=(WIDTH, 8 * WIDTH), aspp_channels=8, c1_channels=6, channels=10)
    cfg.auxiliary_head.update(in_channels=4 * WIDTH, channels=6)
    model = MODELS.build(cfg).train()
    inputs, samples = random_batch()
    loss, log = model.parse_losses(model.loss(inputs, samples))
    assert {'decode.loss_ce', 'decode.loss_dice', 'decode.loss_lovasz', 'aux.loss_ce_dice'} <= log.keys()
    loss.backward()
    assert all(parameter.grad.any() for parameter in model.parameters())
