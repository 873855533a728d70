"""What a stage on Ray is made of, without Ray."""

import importlib
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from mmseg_custom.errors import MissingExtraError
from mmseg_custom.io.files import TEMPORARY
from mmseg_custom.io.processes import this_process
from mmseg_custom.launchers.local_pool import LocalPool
from mmseg_custom.launchers.pool import Ended, Job, JobError, RecipeStopped
from mmseg_custom.launchers.ray_cluster import ClusterError, connect, jobs_side_by_side
from mmseg_custom.launchers.ray_job import NodeJob, SharedPlace, shared_place
from mmseg_custom.launchers.ray_pool import RayPool
from mmseg_custom.launchers.worker import Progress


class FakeRay:
    """A cluster whose jobs end at once, by name as told, one end a try."""

    class exceptions:
        class RayError(Exception):
            pass

        class RayActorError(RayError):
            actor_init_failed = False

    def __init__(self, ends, nodes):
        self.ends, self.killed, self.options_of_jobs = ends, 0, []
        self._nodes = [{'Alive': True, 'Resources': node} for node in nodes]

    def nodes(self):
        return self._nodes

    def cluster_resources(self):
        return {name: sum(node['Resources'].get(name, 0) for node in self._nodes) for name in ('CPU', 'GPU')}

    def remote(self, target):
        def options(**options):
            self.options_of_jobs.append(options)
            return SimpleNamespace(remote=lambda: SimpleNamespace(run=call(self._end), news=call(self._news)))

        return SimpleNamespace(options=options)

    def _end(self, job, place):
        end = self.ends[job.name].pop(0)
        return end if isinstance(end, Exception) else Ended(job.name, end, f'{job.name}, code {end}')

    def _news(self):
        return 'node', [Progress('a.py', 1.0)]

    def wait(self, references, timeout):
        return references, []

    def get(self, reference, timeout=None):
        if isinstance(reference, Exception):
            raise reference
        return reference

    def kill(self, actor):
        self.killed += 1


def call(method):
    return SimpleNamespace(remote=method)


@pytest.fixture
def pool(monkeypatch):
    """A function that makes a pool on a cluster of which each job ends as told."""

    def make(ends, nodes=({'CPU': 4.0, 'GPU': 1.0},), **options):
        fake = FakeRay(ends, nodes)
        monkeypatch.setattr('mmseg_custom.launchers.ray_pool.connect', lambda address: fake)
        return RayPool(**options)

    return make


@pytest.fixture
def job(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def make(name='fold1', target=os.getpid, *args):
        return Job(name, target, args, Path(f'runs/{name}/log'), trains=False)

    return make


def test_a_lost_job_is_started_again_and_one_that_failed_is_not(pool, job):
    gone = FakeRay.exceptions.RayActorError('the node is gone')
    ends = {'a': [gone, -9, 75, 0], 'b': [1], 'c': [-9, -9, -9, -9]}
    told, lines, made = [], [], pool(ends)
    made.report = lines.append
    failed = made.run([job('a'), job('b'), job('c')], told.append)
    assert {name: str(error) for name, error in failed.items()} == {'b': 'b, code 1', 'c': 'c, code -9'}
    assert isinstance(failed['b'], JobError)
    assert ends == {'a': [], 'b': [], 'c': []}
    assert 'a: lost on node, started again (3 of 3)' in lines
    assert made.ray.killed == 9
    assert told[0] == Progress('a.py', 1.0)
    assert not list(Path('runs').glob('*/*')) and not list(Path('runs').glob('*/.*'))


def test_a_job_that_is_told_to_stop_once_too_often_stops_the_recipe(pool, job):
    with pytest.raises(RecipeStopped, match='end of a'):
        pool({'a': [75, 75]}, retries=1).run([job('a')], lambda progress: None)


def test_a_pool_that_is_stopped_starts_nothing(pool, job):
    made = pool({})
    made.stop()
    with pytest.raises(RecipeStopped, match='end of a'):
        made.run([job('a')], lambda progress: None)


def test_what_a_fold_asks_for_and_how_many_fit(pool, job):
    two = ({'CPU': 4.0, 'GPU': 2.0}, {'CPU': 1.0, 'GPU': 8.0}, {'CPU': 64.0})
    made = pool({'a': [0]}, two)
    assert made.jobs == 3
    made.run([job('a')], lambda progress: None)
    asked = made.ray.options_of_jobs[0]
    assert (asked['num_cpus'], asked['num_gpus']) == (1, 1.0)
    assert 'CUDA_VISIBLE_DEVICES' not in asked['runtime_env']['env_vars']
    without = pool({'a': [0]}, two, cpus=2, gpus=0)
    assert without.jobs == 2 + 32
    without.run([job('a')], lambda progress: None)
    assert without.ray.options_of_jobs[0]['runtime_env']['env_vars']['CUDA_VISIBLE_DEVICES'] == ''
    assert jobs_side_by_side([{'CPU': 3.0, 'GPU': 1.0}], {'CPU': 1, 'GPU': 0.5}) == 2


@pytest.mark.parametrize('options', [{'cpus': 5}, {'gpus': 0.7, 'cpus': 9}, {'gpus': 2}, {'cpus': 0}])
def test_a_request_that_no_node_can_meet_is_refused(pool, options):
    with pytest.raises(ClusterError, match='a fold'):
        pool({}, **options)


def test_without_ray_a_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, 'ray', None)
    with pytest.raises(MissingExtraError, match=r"pip install 'mmseg-custom\[ray\]'"):
        connect(None)


@pytest.fixture
def run_recipe(monkeypatch):
    """The module of the command, and a function that sets its arguments."""
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / 'tools'))
    module = importlib.import_module('run_recipe')

    def parse(*arguments):
        monkeypatch.setattr(sys, 'argv', ['run_recipe.py', 'configs', *arguments])
        return module.parse_args()

    return SimpleNamespace(build_pool=module.build_pool, parse=parse)


def test_options_of_ray_are_refused_where_they_would_do_nothing(run_recipe, capsys):
    with pytest.raises(SystemExit):
        run_recipe.parse('--gpus-per-fold', '0.5', '--retries', '0')
    assert '--gpus-per-fold, --retries: only with --launcher ray' in capsys.readouterr().err


def test_a_dry_run_needs_no_cluster(run_recipe, monkeypatch):
    monkeypatch.setitem(sys.modules, 'ray', None)
    options = run_recipe.parse('--launcher', 'ray', '--dry-run')
    assert isinstance(run_recipe.build_pool(options), LocalPool)
    with pytest.raises(MissingExtraError):
        run_recipe.build_pool(run_recipe.parse('--launcher', 'ray'))


def test_a_node_without_the_file_system_of_the_driver_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with shared_place(Path('work_dirs/run')) as place:
        assert place.folder == tmp_path
        assert TEMPORARY.fullmatch(place.proof.name)
        monkeypatch.chdir('/')
        assert place.enter(seconds=0) is None
        assert Path.cwd() == tmp_path
    assert 'does not see' in place.enter(seconds=0)
    place.proof.write_text('of another cluster')
    assert f'does not see {tmp_path}' in place.enter(seconds=0)


def test_a_job_on_its_node(job, tmp_path):
    dead = {**this_process(), 'pid': 2**22 + 1}
    lease = tmp_path / 'run.lease'
    lease.write_text(json.dumps(dead))
    place = SharedPlace(tmp_path, tmp_path / 'proof', 'text')
    place.proof.write_text('text')
    good = Job('good', os.mkdir, (tmp_path / 'made',), tmp_path / 'log', trains=False, lease=lease)
    assert NodeJob().run(good, place) == Ended('good', 0)
    assert (tmp_path / 'made').is_dir() and not lease.exists()
    bad = NodeJob().run(job('bad', sys.exit, 3), place)
    assert (bad.code, bad.reason.split('.')[0]) == (3, 'bad failed (exit code 3)')
    stopped = NodeJob()
    stopped.stop()
    assert stopped.run(job(), place).code == 75
    place.proof.unlink()
    assert NodeJob().news()[1] == []
