import runpy
import sys
from pathlib import Path

import pytest
import torch
from reference_network import ReferenceDeepLabV3Plus, randomize_batch_norms

from mmseg_custom.models import convert_checkpoint, mmseg_to_published, published_to_mmseg
from mmseg_custom.models.published import StateDictKeyError

TOOLS = Path(__file__).parents[2] / 'tools'


@pytest.fixture(scope='module')
def published():
    network = ReferenceDeepLabV3Plus(3, (1, 1, 1, 1), 4, aspp_channels=4, reduced=3, channels=4)
    randomize_batch_norms(network)
    return network.state_dict()


@pytest.fixture
def run_tool(monkeypatch):
    def run(*arguments):
        monkeypatch.syspath_prepend(str(TOOLS))
        monkeypatch.setattr(sys, 'argv', ['convert_checkpoint.py', *map(str, arguments)])
        runpy.run_path(str(TOOLS / 'convert_checkpoint.py'), run_name='__main__')

    return run


def assert_same_tensors(first, second):
    assert first.keys() == second.keys()
    assert all(torch.equal(value, second[key]) for key, value in first.items())


@pytest.mark.parametrize(('blocks', 'width'), [((2, 2, 2, 2), 8), ((3, 4, 6, 3), 4), ((1, 1, 1, 1), 16)])
def test_round_trip_of_any_depth_and_width(blocks, width):
    network = ReferenceDeepLabV3Plus(7, blocks, width, aspp_channels=5, reduced=3, channels=6)
    weights = network.state_dict()
    ours = published_to_mmseg(weights)
    assert {key.split('.')[0] for key in ours} == {'backbone', 'decode_head'}
    assert_same_tensors(mmseg_to_published(ours), weights)


def test_keys_go_where_the_recipe_says(published):
    ours = published_to_mmseg(published)
    pairs = {
        'aspp.convs.2.1.running_var': 'aspp_modules.2.bn.running_var',
        'aspp.convs.4.1.weight': 'image_pool.conv.weight',
        'aspp.convs.4.2.num_batches_tracked': 'image_pool.bn.num_batches_tracked',
        'decoder.fusion_conv.3.weight': 'fusion_conv.1.conv.weight',
        'decoder.fusion_conv.4.bias': 'fusion_conv.1.bn.bias',
        'classifier.bias': 'conv_seg.bias',
    }
    for theirs, key in pairs.items():
        assert ours[f'decode_head.{key}'] is published[theirs]


@pytest.mark.parametrize(
    'key',
    [
        'classifier.bias',
        'aspp.project.1.num_batches_tracked',
        'backbone.conv1.weight',
        'backbone.layer1.0.bn2.running_mean',
        'backbone.layer3.0.downsample.1.weight',
    ],
)
def test_a_missing_key_is_named(published, key):
    weights = {name: value for name, value in published.items() if name != key}
    with pytest.raises(StateDictKeyError, match=rf"missing \['{key}'\], unknown \[\]"):
        published_to_mmseg(weights)


def test_a_missing_shortcut_is_named(published):
    weights = {key: value for key, value in published.items() if 'layer2.0.downsample' not in key}
    with pytest.raises(StateDictKeyError, match=r'backbone.layer2.0.downsample.0.weight'):
        published_to_mmseg(weights)


def test_unknown_keys_are_named(published):
    ours = published_to_mmseg(published)
    for key in ('auxiliary_head.conv_seg.bias', 'backbone.layer1.0.conv3.weight', 'module.backbone.bn1.bias'):
        with pytest.raises(StateDictKeyError, match=rf"missing \[\], unknown \['{key}'\]"):
            mmseg_to_published({**ours, key: torch.zeros(1)})


@pytest.mark.parametrize('wrap', [lambda weights: weights, lambda weights: {'model_state_dict': weights, 'epoch': 3}])
def test_the_direction_is_found_by_the_keys(published, wrap):
    ours = convert_checkpoint(wrap(published))
    assert ours.keys() == {'state_dict', 'meta'}
    for checkpoint in (ours, ours['state_dict']):
        back = convert_checkpoint(checkpoint)
        assert back.keys() == {'model_state_dict'}
        assert_same_tensors(back['model_state_dict'], published)


def test_a_checkpoint_of_neither_kind_is_refused():
    with pytest.raises(StateDictKeyError, match='Neither'):
        convert_checkpoint({'fc.weight': torch.zeros(1)})


def test_tool_converts_there_and_back(published, run_tool, tmp_path):
    theirs, ours, back = (tmp_path / name for name in ('theirs.pth', 'ours.pth', 'back.pth'))
    torch.save({'model_state_dict': published}, theirs)
    run_tool(theirs, ours)
    assert torch.load(ours, weights_only=True)['meta'] == {}
    run_tool(ours, back)
    assert_same_tensors(torch.load(back, weights_only=True)['model_state_dict'], published)


def test_tool_never_harms_a_file(published, run_tool, tmp_path, capsys):
    source, output = tmp_path / 'source.pth', tmp_path / 'output.pth'
    torch.save({'fc.weight': torch.zeros(1)}, source)
    output.write_bytes(b'precious')
    with pytest.raises(SystemExit):
        run_tool(source, output)
    assert 'no key starts with' in capsys.readouterr().err
    assert output.read_bytes() == b'precious'
    torch.save(published, source)
    before, link = source.read_bytes(), tmp_path / 'link.pth'
    link.symlink_to(source)
    for same in (source, link):
        with pytest.raises(SystemExit):
            run_tool(source, same)
    assert source.read_bytes() == before
