import time
from pathlib import Path

import pytest
import torch

from mmseg_custom.launchers.gpus import GpuError, gpu_of_slot
from mmseg_custom.launchers.local_pool import LocalPool
from mmseg_custom.launchers.pool import Job

FIRST, SECOND = 'GPU-8932f937-d72c-4106-c12f-20bd9faed9f6', 'GPU-02348e17-a825-11ec-95a7-3cecef1b6a3b'
MIGS = 'MIG-c7384736-a75d-5afc-978f-d2f1294409fd,MIG-a28ad590-3fda-56dd-84fc-0a0b96edc58d'


@pytest.mark.parametrize(
    ('listed', 'count', 'slots'),
    [
        (None, 0, [None, None]),
        (None, 1, ['0', '0']),
        (None, 2, ['0', '1', '0']),
        ('2,3', 2, ['2', '3', '2', '3']),
        (' 5 , 1,', 2, ['5', '1', '5']),
        ('7', 1, ['7', '7']),
        ('2,3,99', 2, ['2', '3', '2']),  # CUDA stops at a number that there is not
        ('', 0, [None]),
        ('-1', 0, [None]),
        (f'{FIRST},{SECOND}', 2, [FIRST, SECOND]),
        (MIGS, 1, MIGS.split(',')),  # CUDA counts one MIG instance, however many are listed
        (MIGS, 0, [None]),
    ],
)
def test_slots_take_turns_on_the_gpus_of_the_user(monkeypatch, listed, count, slots):
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: count)
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    if listed is not None:
        monkeypatch.setenv('CUDA_VISIBLE_DEVICES', listed)
    found = [gpu_of_slot(slot).get('CUDA_VISIBLE_DEVICES') for slot in range(len(slots))]
    assert found == slots


def test_rocm_has_a_list_of_its_own(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    monkeypatch.setattr(torch.version, 'hip', '6.0')
    monkeypatch.setenv('HIP_VISIBLE_DEVICES', '4,6')
    assert gpu_of_slot(1) == {'HIP_VISIBLE_DEVICES': '6'}


def test_a_gpu_that_is_listed_twice_is_refused(monkeypatch):
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '1,1')
    with pytest.raises(GpuError, match=r'^CUDA_VISIBLE_DEVICES=1,1 lists 1 twice: name each GPU once'):
        gpu_of_slot(0)


def note_gpu(name, progress, gpu):
    Path(name).write_text(gpu['CUDA_VISIBLE_DEVICES'])
    time.sleep(0.5)  # The other job has to find this slot taken.


def test_the_pool_hands_each_job_one_of_them(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '2,3')
    jobs = [Job(name, note_gpu, (str(tmp_path / name),), tmp_path / 'log') for name in 'ab']
    assert LocalPool(2).run(jobs, print) == {}
    assert [(tmp_path / name).read_text() for name in 'ab'] == ['2', '3']
