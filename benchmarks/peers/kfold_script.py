"""What a user of MMSegmentation writes for K folds of a config: `python kfold_script.py CONFIG K WORK_DIR`.

Nothing of this project is in it: five trainings of MMEngine's Runner, the mean of their mIoU, the pooled IoU.
"""

import sys
from copy import deepcopy

import numpy as np
from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.registry import DATASETS
from mmseg.utils import register_all_modules

config, folds, work_dir = sys.argv[1], int(sys.argv[2]), sys.argv[3]
register_all_modules()
cfg = Config.fromfile(config)
order = np.random.RandomState(0).permutation(len(DATASETS.build(cfg.train_dataloader.dataset)))
scores, areas = [], []
for fold, held_out in enumerate(np.array_split(order, folds)):
    one = deepcopy(cfg)
    one.work_dir, one.randomness = f'{work_dir}/fold{fold}', dict(seed=0)
    one.train_dataloader.dataset.indices = sorted(set(order.tolist()) - set(held_out.tolist()))
    held = dict(
        one.train_dataloader.dataset, pipeline=cfg.test_pipeline, indices=sorted(held_out.tolist()), test_mode=True
    )
    loader = dict(batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False), dataset=held)
    one.val_dataloader, one.val_cfg, one.val_evaluator = loader, dict(type='ValLoop'), dict(type='IoUMetric')
    runner = Runner.from_cfg(one)
    metric = runner.val_loop.evaluator.metrics[0]
    metric.compute_metrics = lambda results, compute=metric.compute_metrics: areas.append(results) or compute(results)
    runner.train()
    scores.append(runner.message_hub.get_scalar('val/mIoU').current())
intersect, union = (sum(r[i] for results in areas for r in results).numpy() for i in (0, 1))
print('mIoU', np.mean(scores), np.std(scores), 'pooled', np.nanmean(intersect / union) * 100)
