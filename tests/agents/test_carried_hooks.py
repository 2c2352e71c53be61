"""A plugin's hooks are silent for exactly the agents whose launch brings hooks."""

import pytest

from maestro_cli import hooks
from maestrod.providers import registry
from tests.agents.test_providers import planned


@pytest.mark.parametrize("provider", registry.BUILT_IN)
def test_what_the_launch_brings_the_plugin_leaves_out(provider: str) -> None:
    plan = planned(provider)
    told = "\n".join([*plan.argv, *(file.content for file in plan.files)])
    assert (f" hook {provider} " in told) == (provider in hooks.CARRIED)
