"""Scoring weights as a config says: its network, its official val split, its metric."""

from mmengine.config import Config
from mmengine.device import get_device
from mmengine.dist import all_gather_object
from mmengine.evaluator import Evaluator
from mmengine.runner import Runner
from mmseg.registry import MODELS
from torch import Tensor

from mmseg_custom.datasets.bad_samples import Skipped, skipped_in
from mmseg_custom.datasets.loader_errors import lost_workers_explained
from mmseg_custom.engine.architecture import check_architecture
from mmseg_custom.engine.stop_signals import shield_workers
from mmseg_custom.evaluation import attach_criterion, score


class WeightScorer:
    """A function from a state dict to its metrics; network and data are built once, at the first call.

    Args:
        cfg: A stage's config; its ``test_dataloader`` is the official val split.

    Attributes:
        skipped: The images that could not be scored, and why.
    """

    def __init__(self, cfg: Config) -> None:
        self.cfg = cfg
        self.skipped: Skipped = {}
        self._parts: tuple | None = None

    @lost_workers_explained()
    def __call__(self, weights: dict[str, Tensor]) -> dict[str, float]:
        """Score weights; the same numbers as the host's test loop gives.

        Raises:
            CheckpointError: If they are of another architecture than the config's.
            LoaderError: If a worker of the data loader died.
        """
        if self._parts is None:
            self._parts = self._build()
        model, dataloader, evaluator = self._parts
        check_architecture(model, weights, f'What {self.cfg.filename} is to score')
        model.load_state_dict(weights)
        scores = score(model, dataloader, evaluator, lambda batch: self.skipped.update(skipped_in(batch)))
        for skipped in all_gather_object(self.skipped):
            self.skipped.update(skipped)
        return scores

    def _build(self) -> tuple:
        model = MODELS.build(self.cfg.model).to(get_device())
        dataloader = Runner.build_dataloader(self.cfg.test_dataloader, seed=self.cfg.randomness.seed)
        shield_workers(dataloader)
        evaluator = Evaluator(self.cfg.test_evaluator)
        attach_criterion(evaluator, model)
        return model, dataloader, evaluator
