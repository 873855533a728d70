"""What a Ray cluster is to a stage: how it is reached, and how many jobs it can take."""

import os
from types import ModuleType

from mmseg_custom.errors import UserError, import_extra


class ClusterError(UserError, RuntimeError):
    """A Ray cluster that cannot be reached or cannot take a job."""


def connect(address: str | None) -> ModuleType:
    """Connect this process to a Ray cluster, with Ray's usage statistics off; Ray itself.

    Args:
        address: As ``ray.init`` takes it.

    Raises:
        MissingExtraError: If Ray is not installed.
        ClusterError: If there is no such cluster, or it is of another version.
    """
    os.environ['RAY_USAGE_STATS_ENABLED'] = '0'
    ray = import_extra('ray', 'ray')
    try:
        ray.init(address, log_to_driver=False, logging_level='ERROR', ignore_reinit_error=True)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ClusterError(f'Cannot use the Ray cluster {address or "of this machine"}: {error}') from error
    return ray


def free_slots(ray: ModuleType, request: dict[str, float]) -> int:
    """How many jobs the nodes that live could run side by side.

    Args:
        ray: What :func:`connect` returned.
        request: What a job asks for: ``CPU`` and ``GPU``.

    Raises:
        ClusterError: If there is no slot for any.
    """
    if request['CPU'] <= 0 or not 0 <= request['GPU'] <= 1:
        raise ClusterError(
            f'{_words(request)} a fold: it needs a CPU, and is one process on one GPU or a part of one.'
        )
    nodes = [node['Resources'] for node in ray.nodes() if node['Alive']]
    jobs = jobs_side_by_side(nodes, request)
    if jobs == 0:
        largest = {name: max((node.get(name, 0) for node in nodes), default=0) for name in request}
        raise ClusterError(
            f'No node of the Ray cluster has {_words(request)} for a fold; of its {len(nodes)} node(s) the largest '
            f'has {_words(largest)}. Add nodes, or ask for less by --cpus-per-fold and --gpus-per-fold.'
        )
    return jobs


def jobs_side_by_side(nodes: list[dict[str, float]], request: dict[str, float]) -> int:
    """How many jobs fit on nodes at once.

    Args:
        nodes: What each node has, by resource.
        request: What a job asks for.
    """
    asked = {name: amount for name, amount in request.items() if amount}
    return sum(int(min(node.get(name, 0) / amount for name, amount in asked.items())) for node in nodes)


def _words(resources: dict[str, float]) -> str:
    return ' and '.join(f'{amount:g} {name}' for name, amount in resources.items())
