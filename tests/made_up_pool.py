"""A pool that enters made-up scores in the ledgers instead of training."""

from pathlib import Path

from made_up_recipe import entry, scores

from mmseg_custom.launchers.pool import Ended, Pool
from mmseg_custom.ledger.fingerprint import fingerprint
from mmseg_custom.ledger.stage_ledger import StageLedger, name_of_run

CLASSES = ['road', 'sky']
GAIN = {'part': 'val', 'mIoU': 2.0, 'interval': [1.0, 3.0]}
NO_GAIN = {'part': 'val', 'mIoU': 0.5, 'interval': [-1.0, 2.0]}


class MadeUpPool(Pool):
    """Runs score 30 + stage + seed % 10, their candidates 1 and 2 more; ``flat`` stages gain nothing.

    Attributes:
        done: The names of the jobs, in order.
        gains: Whether what a stage gains is known.
    """

    def __init__(self, flat=()):
        super().__init__(jobs=1)
        self.flat, self.done, self.gains = flat, [], True

    def execute(self, jobs, on_progress):
        for job in jobs:
            self.done.append(job.name)
            (self._train if job.trains else self._fuse)(*job.args)
        return [Ended(job.name, 0) for job in jobs]

    def _train(self, cfg, run, log):
        ledger = StageLedger(cfg.default_hooks.fold_average.stage_dir)
        stage, name = int(ledger.folder.name[5:]), name_of_run(cfg.train_dataloader.dataset.fold)
        start = Path(cfg.load_from) if cfg.load_from else None
        before = (cfg.load_from, StageLedger(start.parent).recorded_weights(start.name)) if start else None
        record = entry(stage, name, 3, cfg.train_cfg.max_epochs, CLASSES, before)
        record |= {'config': cfg.filename, 'seed': cfg.randomness.seed, **fingerprint(cfg)}
        record['val'] = scores(30.0 + stage + cfg.randomness.seed % 10, CLASSES)
        weights = Path(cfg.work_dir) / 'best.pth'
        weights.parent.mkdir(parents=True, exist_ok=True)
        weights.write_bytes(b'weights')
        ledger.record(name, record, weights)

    def _fuse(self, folder, config, cfg_options, log):
        ledger = StageLedger(folder)
        stage, runs = int(ledger.folder.name[5:]), ledger.entries(ledger.finished_runs())
        first = next(iter(runs.values()))
        lineage = {'parents': [], 'seen': [{'split': 'train'}]}
        candidates = {
            name: {
                'ingredients': list(runs)[: 2 * more - 1],
                'file': f'{next(iter(runs))}.pth',
                'weights': f'{folder} {name}',
                'val': scores(first['val']['mIoU'] + more, CLASSES),
                'lineage': lineage,
            }
            for more, name in enumerate(('best_fold', 'all_folds') if len(runs) > 1 else ('full',), start=1)
        }
        winner = list(candidates)[-1]
        outcome = {
            'stage': ledger.folder.name,
            'runs': {name: record['weights'] for name, record in runs.items()},
            'candidates': candidates,
            'winner': winner,
            'weights': candidates[winner]['weights'],
            'selected_on': 'val',
            **({'gain': NO_GAIN if stage in self.flat else GAIN} if self.gains and stage > 1 else {}),
        }
        ledger.record_outcome(outcome, ledger.weights_path(next(iter(runs))))
