"""A stage on a Ray cluster of two nodes, one of which is killed."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mmseg_custom.errors import StageError
from mmseg_custom.io.checkpoints.checkpoint_file import hash_weights, load_weights
from mmseg_custom.launchers.local_pool import LocalPool
from mmseg_custom.launchers.pool import RecipeStopped
from mmseg_custom.launchers.ray_pool import RayPool
from mmseg_custom.ledger.stage_ledger import StageLedger
from mmseg_custom.plan.plan import Plan
from mmseg_custom.plan.recipe import Recipe

pytestmark = pytest.mark.slow
ray = pytest.importorskip('ray')
RUN_RECIPE = Path(__file__).resolve().parents[2] / 'tools' / 'run_recipe.py'
NODE = {'num_cpus': 1, 'object_store_memory': 80 << 20}


@pytest.fixture
def cluster():
    """A head that trains nothing and two nodes with a slot for a fold each."""
    from ray.cluster_utils import Cluster

    head = {**NODE, 'num_cpus': 0, 'include_dashboard': False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    cluster.nodes = [cluster.add_node(**NODE), cluster.add_node(**NODE)]
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def winners():
    return [hash_weights(load_weights(StageLedger(f'work_dirs/tiny/stage{stage}').winner_path)) for stage in (1, 2)]


def kill_machine(cluster, node):
    """End a node and all that runs on it without a word."""
    processes = descendants(node.all_processes['raylet'][0].process.pid)
    cluster.remove_node(node, allow_graceful=False)
    for process in processes:
        os.kill(process, signal.SIGKILL)


def descendants(process):
    texts = [file.read_text() for file in Path(f'/proc/{process}/task').glob('*/children')]
    children = [int(child) for text in texts for child in text.split()]
    return children + [one for child in children for one in descendants(child)]


def run(recipe, act=lambda line: None, **chosen):
    lines = []

    def report(line):
        lines.append(line)
        act(line)

    recipe.report = report
    with recipe.pool.stopped_by_signals(report):
        recipe.run(**chosen)
    return lines


def test_stage_survives_the_loss_of_a_node(tiny_recipe, cluster):
    Recipe(Plan(tiny_recipe), LocalPool(2), print).run()
    local = winners()
    shutil.rmtree('work_dirs')

    def kill_one(line):
        if 'fold2: epoch 1/' in line:
            kill_machine(cluster, cluster.nodes[0])

    lines = run(Recipe(Plan(tiny_recipe), RayPool(cluster.address), print), kill_one)
    assert any('started again (1 of 3)' in line for line in lines)
    assert winners() == local


def test_stop_is_heeded_and_a_fold_that_fails_by_itself_is_not_tried_again(tiny_recipe, cluster):
    def stop(line):
        if 'stage1: epoch' in line:
            os.kill(os.getpid(), signal.SIGTERM)

    pool = RayPool(cluster.address)
    assert pool.jobs == 2
    with pytest.raises(RecipeStopped, match='stage 1 full'):
        run(Recipe(Plan(tiny_recipe, {'train_cfg.max_epochs': 200}), pool, print), stop, stages={1})
    assert list(Path('work_dirs/tiny_stage1').glob('*.pth'))
    shutil.rmtree('work_dirs')
    Path('work_dirs/tiny_stage2_fold2/run.json').mkdir(parents=True)  # where the run writes a file
    with pytest.raises(StageError, match=r'(?s)stage 2 fold2 failed \(exit code 1\).*run\.json') as error:
        run(Recipe(Plan(tiny_recipe), RayPool(cluster.address), print))
    assert 'fold1' not in str(error.value)
    assert StageLedger('work_dirs/tiny/stage2').finished_runs() == ['fold1', 'fold3']


def test_the_same_command_goes_on_after_the_death_of_the_head(tiny_recipe, cluster):
    command = [sys.executable, RUN_RECIPE, tiny_recipe]
    ray_options = ['--launcher', 'ray', '--ray-address', cluster.address]
    hasty = os.environ | {'RAY_gcs_rpc_server_reconnect_timeout_s': '5'}
    process = subprocess.Popen([*command, *ray_options], env=hasty, text=True, stdout=subprocess.PIPE)
    assert any('fold1: epoch 1/' in line for line in process.stdout)
    for node in cluster.list_all_nodes():
        kill_machine(cluster, node)
    process.communicate(timeout=120)
    assert process.returncode not in (0, None)
    assert StageLedger('work_dirs/tiny/stage2').outcome() is None
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert 'stage1: epoch' not in done.stdout
    after = winners()
    shutil.rmtree('work_dirs')
    Recipe(Plan(tiny_recipe), LocalPool(2), print).run()
    assert winners() == after
