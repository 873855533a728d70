import torch
from torch.distributed import TCPStore

from mmseg_custom.engine.distributed.process_group import leave_process_group, num_restarts, start_process_group


def test_processes_that_were_started_again_do_not_find_the_dead_ones(monkeypatch):
    server = TCPStore('127.0.0.1', 0, is_master=True, wait_for_workers=False)
    environment = {'RANK': 0, 'WORLD_SIZE': 1, 'MASTER_ADDR': '127.0.0.1', 'MASTER_PORT': server.port}
    environment |= {'TORCHELASTIC_USE_AGENT_STORE': True, 'TORCHELASTIC_RESTART_COUNT': 2}
    for name, value in environment.items():
        monkeypatch.setenv(name, str(value))
    server.set('address', 'of a dead process')
    cfg = start_process_group({'num_threads': 1, 'dist_cfg': {'backend': 'nccl'}})
    leave_process_group()
    assert not torch.distributed.is_initialized()
    leave_process_group()  # again, as in a tool that is a single process
    assert num_restarts() == 2
    dist_cfg = cfg.pop('dist_cfg')
    assert cfg == {'num_threads': 1} and dist_cfg.keys() == {'backend', 'store', 'rank', 'world_size'}
    assert not dist_cfg['store'].check(['address'])
    dist_cfg['store'].set('address', 'of a living one')
    assert server.get('address') == b'of a dead process'
