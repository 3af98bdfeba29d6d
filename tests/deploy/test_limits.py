from __future__ import annotations

import pytest

from sentinel.deploy.limits import changed
from sentinel.errors import AdapterError
from sentinel.model.settings import Change, Knob, Settings


def test_a_setting_that_azure_ml_does_not_have_is_refused_for_good() -> None:
    with pytest.raises(AdapterError, match="restarts is no setting of Azure ML") as refused:
        changed(Settings(), [Change(Knob.RESTARTS, 0, 1)])

    assert refused.value.permanent
