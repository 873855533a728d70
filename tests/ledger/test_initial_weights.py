import pytest
import torch
from mmengine.config import Config
from mmengine.model import BaseModule

from mmseg_custom.io.checkpoints.checkpoint_file import hash_weights, save_checkpoint_file
from mmseg_custom.ledger.initial_weights import initial_lineage
from mmseg_custom.ledger.lineage import SCRATCH, UNKNOWN

WEIGHTS = {'conv.weight': torch.ones(1)}
TRAINED = {'parents': [], 'seen': [{'split': 'train'}]}


class Net(BaseModule):
    def __init__(self, backbone=None, init_cfg=None):
        super().__init__(init_cfg)
        self.neck = torch.nn.Sequential(BaseModule(backbone))


def lineage(backbone=None, init_cfg=None, **model):
    return initial_lineage(Net(backbone, init_cfg), Config({'model': model}))


def pretrained(file):
    return {'type': 'Pretrained', 'checkpoint': file}


def test_a_model_from_scratch_has_seen_nothing():
    assert lineage() == lineage(backbone={'type': 'Kaiming', 'layer': 'Conv2d'}) == SCRATCH


def test_a_pretrained_backbone_is_named_and_marks_nothing():
    url = 'open-mmlab://resnet18_v1c'
    parent = {'file': url, 'weights': '', 'part': 'neck.0'}
    expected = {'parents': [parent], 'seen': [{'split': 'pretrained', 'source': url}]}
    assert lineage(backbone=[{'type': 'Kaiming', 'layer': 'Conv2d'}, pretrained(url)]) == expected
    named = lineage(backbone=None, neck=[{'backbone': {'type': 'TIMMBackbone', 'pretrained': True}}])
    assert named['seen'] == [{'split': 'pretrained', 'source': 'TIMMBackbone'}]


def test_weights_of_a_whole_model_have_seen_unknown_images():
    assert lineage(init_cfg=pretrained('https://somewhere/model.pth'))['seen'] == [UNKNOWN]


@pytest.mark.parametrize(
    ('checkpoint', 'seen'),
    [
        ({'state_dict': WEIGHTS, 'meta': {}}, [{'split': 'pretrained', 'source': 'start.pth'}]),
        (WEIGHTS, [{'split': 'pretrained', 'source': 'start.pth'}]),
        ({'state_dict': {**WEIGHTS, 'decode_head.conv_seg.bias': torch.ones(1)}}, [UNKNOWN]),
        ({'state_dict': WEIGHTS, 'meta': {'lineage': TRAINED}}, [{'split': 'train'}]),
        ({'state_dict': WEIGHTS, 'meta': {'lineage': 7}}, [UNKNOWN]),
    ],
)
def test_a_file_says_what_its_weights_have_seen(tmp_path, monkeypatch, checkpoint, seen):
    monkeypatch.chdir(tmp_path)
    save_checkpoint_file(checkpoint, 'start.pth')
    found = lineage(backbone=pretrained('start.pth'))
    weights = hash_weights(checkpoint.get('state_dict', checkpoint))
    assert found['parents'] == [{'file': 'start.pth', 'weights': weights, 'part': 'neck.0'}]
    assert found['seen'] == seen
