"""`slurm_stage.sh` and `slurm_train.sh` on a Slurm of one node, which the test starts and ends."""

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mmseg_custom.io.checkpoints.checkpoint_file import hash_weights, load_weights
from mmseg_custom.launchers.local_pool import LocalPool
from mmseg_custom.ledger.stage_ledger import StageLedger
from mmseg_custom.plan.plan import Plan
from mmseg_custom.plan.recipe import Recipe

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (shutil.which('slurmctld') and shutil.which('slurmd')), reason='Slurm is not installed'),
]
TOOLS = Path(__file__).resolve().parents[2] / 'tools'
EPOCHS = 12
# Nobody to authenticate, no accounting, and GPUs that are none.
CONFIG = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/none
CredType=cred/none
AuthInfo=cred_expire=2
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
GresTypes=gpu
SchedulerParameters=sched_interval=2
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 Gres=gpu:2
PartitionName=gpu Nodes={host} Default=YES State=UP
"""


@pytest.fixture
def slurm(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp('slurm')
    for name in ('state', 'spool'):
        (folder / name).mkdir()
    host = socket.gethostname().split('.')[0]
    text = CONFIG.format(host=host, ports=free_ports(2), user=getpass.getuser(), folder=folder)
    (folder / 'slurm.conf').write_text(text)
    (folder / 'gres.conf').write_text('Name=gpu File=/dev/null,/dev/zero\n')
    monkeypatch.setenv('SLURM_CONF', str(folder / 'slurm.conf'))
    daemons = []
    for name in ('slurmctld', 'slurmd'):
        with (folder / f'{name}.out').open('w') as output:
            daemons.append(subprocess.Popen([name, '-D'], stdout=output, stderr=output))
    wait_until(lambda: 'idle' in ask('sinfo', '-h', '-o', '%t'), 60)
    yield
    for daemon in reversed(daemons):
        daemon.terminate()
        daemon.wait(timeout=30)


def free_ports(number):
    sockets = [socket.socket() for _ in range(number)]
    for one in sockets:
        one.bind(('127.0.0.1', 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def ask(*command):
    return subprocess.run(command, capture_output=True, text=True).stdout


def wait_until(is_so, seconds):
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, ask('squeue') + ''.join(path.read_text() for path in Path.cwd().glob('*.out'))
        time.sleep(0.5)


def winners():
    return [hash_weights(load_weights(StageLedger(f'work_dirs/tiny/stage{stage}').winner_path)) for stage in (1, 2)]


def submit(folder):
    path = f'{Path(sys.executable).parent}:{os.environ["PATH"]}'
    environment = os.environ | {'PATH': path, 'CPUS_PER_TASK': '1', 'PYTHONPATH': str(TOOLS.parent)}
    command = ['bash', TOOLS / 'slurm_stage.sh', 'gpu', 'tiny', folder, '1', '2', '--']
    command += ['--cfg-options', f'train_cfg.max_epochs={EPOCHS}']
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def test_array_requeue_and_dependency_end_in_the_same_winner(tiny_recipe, slurm):
    Recipe(Plan(tiny_recipe, {'train_cfg.max_epochs': EPOCHS}), LocalPool(2), lambda line: None).run()
    local = winners()
    shutil.rmtree('work_dirs')
    lines = submit(tiny_recipe).splitlines()
    assert [line.split(':')[0] for line in lines] == ['stage 1', 'stage 2']
    array = lines[1].split()[-1]
    assert 'afterok' in ask('squeue', '-h', '-j', array, '-o', '%E')
    wait_until(lambda: list(Path('work_dirs/tiny_stage2_fold2').glob('*.pth')), 180)
    assert StageLedger('work_dirs/tiny/stage1').outcome()
    ask('scancel', '--signal=USR1', f'{array}_2')
    wait_until(lambda: 'BeginTime' in ask('squeue', '-h', '-j', f'{array}_2', '-o', '%r'), 60)
    # Slurm would hold a job that was queued again back for two minutes.
    ask('scontrol', 'update', f'JobId={array}_2', 'StartTime=now')
    wait_until(lambda: not ask('squeue', '-h'), 300)
    details = ask('scontrol', 'show', 'job', f'{array}_2')
    assert 'Restarts=1' in details
    assert 'JobState=COMPLETED' in details
    assert winners() == local
