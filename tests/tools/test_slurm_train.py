"""`slurm_train.sh` and `slurm_stage.sh` with stand-ins for Slurm and Python on the path."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / 'tools' / 'slurm_train.sh'
STAGE_SCRIPT = SCRIPT.with_name('slurm_stage.sh')

STAND_INS = {
    # Runs the job as Slurm does, again if it was queued again.
    'sbatch': """
printf '%s\\n' "$@" > sbatch.txt
for last; do :; done
for count in 0 1; do
    rm -f requeued
    SLURM_JOB_ID=7 SLURM_RESTART_COUNT=$count bash -c "${last#--wrap=}"
    [ -e requeued ] || exit 0
done""",
    'srun': """
while [ "${1#--}" != "$1" ]; do shift; done
for rank in 0 1; do SLURM_PROCID=$rank "$@" || exit; done""",
    'scontrol': 'echo "$@" >> scontrol.txt; touch requeued',
    'python': """
shift
echo "$@" >> python.txt
case " $* " in *' --resume '*) exit 0;; esac
exit "${CODE:-75}" """,
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'bin').mkdir()
    for name, text in STAND_INS.items():
        (tmp_path / 'bin' / name).write_text(f'#!/usr/bin/env bash\n{text}\n')
        (tmp_path / 'bin' / name).chmod(0o755)

    def run(*arguments, script=SCRIPT, **environment):
        path = f'{tmp_path / "bin"}:{os.environ["PATH"]}'
        environment = os.environ | {'PATH': path} | environment
        return subprocess.run(['bash', script, *arguments], env=environment, capture_output=True, text=True)

    return run


def test_preempted_job_is_queued_again_and_resumed(run):
    done = run('gpu', 'a job', 'c.py', '--cfg-options', 'a=[1, 2]', GPUS='2', SBATCH_ARGS='--time=8:00:00 --mem=8G')
    assert done.returncode == 0, done.stderr
    options = Path('sbatch.txt').read_text().splitlines()
    asked = ['--partition=gpu', '--job-name=a job', '--ntasks=2', '--signal=USR1@120', '--requeue', '--mem=8G']
    assert set(asked) <= set(options)
    assert Path('scontrol.txt').read_text() == 'requeue 7\n'
    call = f'{SCRIPT.parent}/train.py c.py --cfg-options a=[1, 2]'
    first, again = f'{call} --launcher slurm\n', f'{call} --resume --launcher slurm\n'
    assert Path('python.txt').read_text() == 2 * first + 2 * again


@pytest.mark.parametrize('code', ['138', '143'])
def test_job_that_is_stopped_before_it_trains_is_queued_again(run, code):
    assert run('gpu', 'job', 'c.py', CODE=code).returncode == 0
    assert Path('scontrol.txt').read_text() == 'requeue 7\n'


@pytest.mark.parametrize('code', ['0', '1'])
def test_finished_or_failed_job_stays_away(run, code):
    run('gpu', 'job', 'c.py', CODE=code)
    assert not Path('scontrol.txt').exists()
    assert len(Path('python.txt').read_text().splitlines()) == (2 if code == '0' else 1)


def test_signal_to_the_whole_group_is_left_to_python(run):
    Path('bin/python').write_text(
        "#!/usr/bin/env bash\ntrap 'exit 75' USR1\ntouch up\nwhile :; do sleep 0.05; done\n"
    )
    environment = os.environ | {'PATH': f'{Path("bin").resolve()}:{os.environ["PATH"]}', 'SLURM_JOB_ID': '9'}
    process = subprocess.Popen(['bash', SCRIPT, '--task', 'c.py'], env=environment, start_new_session=True)
    while not Path('up').exists():
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGUSR1)
    assert process.wait(timeout=20) == 0
    assert Path('scontrol.txt').read_text() == 'requeue 9\n'


def test_usage(run):
    done = run('gpu', 'job')
    assert done.returncode == 2 and 'usage' in done.stderr


def test_task_of_an_array_trains_its_own_fold(run):
    done = run('gpu', 'job', 'stage2.py', '--fold', '%a', CODE='0', SLURM_ARRAY_TASK_ID='3')
    assert done.returncode == 0, done.stderr
    assert Path('python.txt').read_text().splitlines()[0].split()[1:4] == ['stage2.py', '--fold', '3']


def test_stages_are_arrays_that_wait_for_each_other(run):
    for name, text in {'stage1': '', 'stage2': 'num_folds = 2', 'stage10': "_base_ = './a_stage2.py'"}.items():
        Path(f'a_{name}.py').write_text(text)
    Path('bin/python').write_text(f'#!/usr/bin/env bash\nexec {sys.executable} "$@"\n')
    Path('bin/sbatch').write_text('#!/usr/bin/env bash\necho "$@" >> sbatch.txt\nwc -l < sbatch.txt\n')
    done = run('gpu', 'job', '.', '1', '2', '10', '--', '--amp', '--cfg-options', 'num_folds=3', script=STAGE_SCRIPT)
    assert done.stdout.splitlines() == ['stage 1: job 1', 'stage 2: job 2', 'stage 10: job 3'], done.stderr
    first, second, last = Path('sbatch.txt').read_text().splitlines()
    assert 'a_stage1.py --amp' in first and '--array' not in first and '--dependency' not in first
    assert 'a_stage2.py --fold %a --amp' in second and '--array=1-3 --dependency=afterok:1 ' in second
    assert 'a_stage10.py --fold %a' in last and '--array=1-3 --dependency=afterok:2 ' in last
    lost = run('gpu', 'job', '.', '7', script=STAGE_SCRIPT)
    assert (lost.returncode, lost.stderr) == (1, '. has no stage 7: it has [1, 2, 10].\n')
    assert run('gpu', 'job', '.', script=STAGE_SCRIPT).returncode == 2


@pytest.mark.skipif(shutil.which('shellcheck') is None, reason='shellcheck is not there')
def test_shellcheck():
    subprocess.run(['shellcheck', *SCRIPT.parent.glob('*.sh')], check=True)
