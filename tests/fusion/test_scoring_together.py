"""Several weights in one pass over the images, on a network of the tiny recipe."""

import pytest
import torch
from mmseg.registry import MODELS

from mmseg_custom.config import load_run_config
from mmseg_custom.datasets.prepare import prepare
from mmseg_custom.fusion.weight_scorer import ScoringError, ScoringOrder, WeightScorer


@pytest.fixture
def cfg(tiny_recipe):
    cfg = load_run_config(tiny_recipe / 'tiny_stage2.py', fold=1)
    prepare(cfg)
    return cfg


@pytest.fixture
def weights(cfg):
    """Two untrained networks with batch norm statistics of their own."""

    def make(seed):
        torch.manual_seed(seed)
        state = MODELS.build(cfg.model).state_dict()
        return {key: torch.rand(value.shape) + 0.5 if 'running' in key else value for key, value in state.items()}

    return {'a': make(1), 'b': make(2)}


def same(one, other):
    return one == pytest.approx(other, abs=1e-9, nan_ok=True)


def test_each_gets_the_scores_it_gets_alone(cfg, weights):
    together = WeightScorer(cfg).together(ScoringOrder(weights, ensemble=['a', 'b']))
    for name in weights:
        assert same(together[name].scores['val'], WeightScorer(cfg)(weights[name]))
        assert together[name].matrices['val'].shape == (4, 19, 19)
        assert together[name].weights is None
    assert not same(together['a'].scores['val'], together['b'].scores['val'])
    assert together['ensemble'].scores['val'].keys() == together['a'].scores['val'].keys()


def test_the_ensemble_of_a_network_with_itself_is_the_network(cfg, weights):
    twice = {'a': weights['a'], 'again': weights['a']}
    scored = WeightScorer(cfg).together(ScoringOrder(twice, ensemble=['a', 'again']))
    assert torch.equal(scored['ensemble'].matrices['val'], scored['a'].matrices['val'])


def test_batch_norm_is_measured_on_the_images_of_all_folds(cfg, weights):
    order = ScoringOrder({**weights, 'anew': weights['a']}, recalibrated=['anew'])
    scored = WeightScorer(cfg).together(order)
    anew = scored['anew']
    assert (anew.statistics['split'], anew.statistics['images']) == ('train', 8)
    assert len(anew.statistics['identities']['checksums']) == 10 * 8  # 10 images of 6 bytes, as base64
    changed = [key for key, value in weights['a'].items() if not torch.equal(value, anew.weights[key])]
    assert changed
    assert all(key.endswith(('running_mean', 'running_var', 'num_batches_tracked')) for key in changed)
    assert all(key in changed for key in weights['a'] if key.endswith('running_mean'))
    assert same(WeightScorer(cfg)(anew.weights), anew.scores['val'])
    assert same(scored['a'].scores['val'], WeightScorer(cfg)(weights['a']))
    again = WeightScorer(cfg, bn_images=8).together(order)['anew'].weights
    assert all(torch.equal(value, anew.weights[key]) for key, value in again.items())


def test_fewer_images_give_other_statistics(cfg, weights):
    scored = WeightScorer(cfg, bn_images=3).together(ScoringOrder(weights, recalibrated=['a', 'b']))
    assert scored['b'].statistics['images'] == 4
    cfg.train_dataloader.batch_size = 16
    with pytest.raises(ScoringError, match='less than a batch of 16'):
        WeightScorer(cfg).together(ScoringOrder(weights, recalibrated=['a']))


def test_the_holdout_is_scored_beside_val(cfg, weights):
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.dataset.folds.update(file='holdout.json', holdout=0.2)
    prepare(cfg)
    order = ScoringOrder(weights, recalibrated=['a'], parts=('val', 'holdout'))
    scored = WeightScorer(cfg).together(order)
    assert [len(scored['a'].matrices[part]) for part in order.parts] == [4, 2]
    assert scored['a'].statistics['parts'] == [1, 2, 3]
