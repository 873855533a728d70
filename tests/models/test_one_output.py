"""Two classes by one output under a sigmoid: scores, ensembles, test-time augmentation and export."""

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from mmseg_custom.evaluation.merged_tta_model import merge_samples
from mmseg_custom.inference.networks import Ensemble, TorchNetwork
from mmseg_custom.inference.onnx_export import ExportedGraph
from mmseg_custom.models.one_output import class_logits, threshold_of

THRESHOLD = 0.3
PREPROCESSOR = {'type': 'SegDataPreProcessor', 'mean': [0.0] * 3, 'std': [255.0] * 3, 'bgr_to_rgb': True}


def build(bias=0.0, mode='whole', out_channels=1):
    """A segmentor whose outputs on the samples have a mean of ``bias`` and a deviation of 1."""
    torch.manual_seed(0)
    sizes = {'in_channels': 4, 'channels': 4, 'num_convs': 1, 'in_index': 0, 'num_classes': 2}
    loss = {'type': 'CrossEntropyLoss', 'use_sigmoid': out_channels == 1}
    head = {'type': 'FCNHead', **sizes, 'out_channels': out_channels, 'threshold': THRESHOLD, 'loss_decode': loss}
    backbone = {'type': 'FastSCNN', 'downsample_dw_channels': (4, 4), 'global_in_channels': 4}
    backbone |= {'global_block_channels': (4, 4, 4), 'global_out_channels': 4, 'higher_in_channels': 4}
    backbone |= {'lower_in_channels': 4, 'fusion_out_channels': 4, 'norm_cfg': {'type': 'BN'}}
    test_cfg = {'mode': mode, **({'crop_size': (32, 32), 'stride': (16, 16)} if mode == 'slide' else {})}
    model = {'type': 'EncoderDecoder', 'data_preprocessor': PREPROCESSOR, 'backbone': backbone}
    model = MODELS.build(ConfigDict({**model, 'decode_head': head, 'test_cfg': test_cfg})).eval()
    layer = model.decode_head.conv_seg
    with torch.no_grad():
        outputs = model(model.data_preprocessor(collated(samples()))['inputs'], mode='tensor')
        layer.weight /= outputs.std()
        layer.bias.copy_((layer.bias - outputs.mean()) / outputs.std() + bias)
    return model


def samples(number=2):
    torch.manual_seed(1)
    inputs = torch.randint(0, 256, (number, 3, 32, 48), dtype=torch.uint8)
    meta = {'img_shape': (32, 48), 'ori_shape': (32, 48), 'pad_shape': (32, 48)}
    return [{'inputs': one, 'data_samples': SegDataSample(metainfo=dict(meta))} for one in inputs]


def collated(batch):
    return {key: [one[key] for one in batch] for key in ('inputs', 'data_samples')}


def stock(model, batch):
    """What MMSegmentation's own test step gives: sigmoid probabilities and classes."""
    with torch.no_grad():
        found = [(one.seg_logits.data, one.pred_sem_seg.data) for one in model.test_step(collated(batch))]
    return torch.stack([one[0] for one in found]), torch.stack([one[1] for one in found])[:, 0]


def test_logits_of_two_classes_stand_at_the_threshold():
    odds = torch.tensor([0.2, 0.29, 0.31, 0.9]).logit().view(1, 1, 1, 4)
    assert class_logits(odds, THRESHOLD).argmax(1).flatten().tolist() == [0, 0, 1, 1]
    assert class_logits(odds, 0.5).softmax(1)[0, 1, 0].tolist() == pytest.approx([0.2, 0.29, 0.31, 0.9])
    many = torch.randn(1, 3, 2, 2)
    assert class_logits(many, None) is many
    assert threshold_of(build()) == THRESHOLD and threshold_of(build(out_channels=2)) is None


@pytest.mark.parametrize('mode', ['whole', 'slide'])
def test_the_classes_of_tools_are_those_of_the_test_loop(mode):
    model, batch = build(bias=-0.8, mode=mode), samples()
    probability, classes = stock(model, batch)
    assert 0.02 < classes.mean() < 0.98 and ((probability > THRESHOLD) & (probability < 0.5)).any()
    network = TorchNetwork(model)
    assert network.classes(batch).equal(classes.byte())
    assert network(batch).argmax(1).equal(classes.long())
    assert torch.allclose(network.probabilities(batch)[:, 1], probability[:, 0], atol=1e-5)


def test_an_ensemble_takes_the_mean_probability_over_the_threshold_everywhere():
    models, batch = [build(bias=-1.5), build(bias=0.5)], samples()
    found = [stock(model, batch) for model in models]
    mean = (found[0][0] + found[1][0])[:, 0] / 2
    expected = mean > THRESHOLD
    assert all((expected != classes.bool()).any() for _, classes in found)
    assert Ensemble([TorchNetwork(model) for model in models]).classes(batch).bool().equal(expected)
    merged = merge_samples([prediction(scores[0]) for scores, _ in found], THRESHOLD)
    assert merged.pred_sem_seg.data[0].bool().equal(expected[0])
    assert torch.allclose(merged.seg_logits.data[0], mean[0])


def prediction(scores):
    return SegDataSample(seg_logits=PixelData(data=scores))


def test_an_exported_graph_gives_logits_of_two_classes():
    model, batch = build(bias=-0.8), samples()
    images = torch.stack([one['inputs'] for one in batch]).float().flip(1)
    with torch.no_grad():
        logits = ExportedGraph(model, 'logits')(images)
    assert logits.shape == (2, 2, 32, 48)
    agree = logits.argmax(1) == stock(model, batch)[1]
    assert agree.float().mean() > 0.999
