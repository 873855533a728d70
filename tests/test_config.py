import json

import pytest

from mmseg_custom.config import load_run_config
from mmseg_custom.errors import UserError


def test_json_config_is_read_as_data(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    marker = tmp_path / 'MARKER'
    (tmp_path / 'harmful.py').write_text(f"open({str(marker)!r}, 'w').close()")
    config = tmp_path / 'config.json'
    config.write_text(json.dumps({'custom_imports': {'imports': ['harmful']}, 'train_cfg': {'max_epochs': 3}}))
    assert load_run_config(config).train_cfg.max_epochs == 3
    config.write_text(json.dumps({'_base_': './harmful.py'}))
    with pytest.raises(UserError, match='stands alone'):
        load_run_config(config)
    assert not marker.exists()
