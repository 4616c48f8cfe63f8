import json
from dataclasses import replace

import pytest

from CardiacMTLLib.errors import ModelError
from CardiacMTLLib.network.configuration import NetworkConfiguration

DEFAULT = NetworkConfiguration()


def test_a_configuration_comes_back_from_json_as_it_was():
    changed = replace(DEFAULT, channels=(8, 16), window_size=64, embedding_dropout=0)
    assert NetworkConfiguration.from_json(json.loads(json.dumps(changed.to_json()))) == changed


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"window_size": 100}, "window size is 100; expected a multiple of 16 for 4 levels"),
        ({"window_size": 128, "patch_size": 3}, "window size is 128; expected a multiple of 24 for 4 levels"),
        ({"patch_size": 0}, "expected positive sizes"),
        ({"locator_size": 90}, "window size is 90; expected a multiple of 8 for 4 levels"),
        ({"window_size": 0}, "expected positive sizes"),
        ({"window_size": -16}, "expected positive sizes"),
        ({"channels": ()}, "one level or more"),
        ({"channels": (16, 0, 32)}, "expected positive sizes"),
        ({"window_spacing_mm": 0.0}, "expected positive sizes"),
        ({"locator_spacing_mm": float("nan")}, "expected positive sizes"),
        ({"embedding_dropout": 1.0}, "a dropout below 1"),
    ],
)
def test_a_network_that_cannot_be_is_refused(change, words):
    with pytest.raises(ModelError, match=words):
        replace(DEFAULT, **change)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"window_size": "128"}, "window_size '128'; expected a whole number"),
        ({"window_size": True}, "window_size 'True'; expected a whole number"),
        ({"window_size": 128.0}, "window_size '128.0'; expected a whole number"),
        ({"channels": 16}, "channels '16'; expected a list"),
        ({"channels": [16, "32"]}, "expected a list"),
        ({"window_spacing_mm": None}, "expected a finite number"),
        ({"depth": 3}, r"'depth'.*\]; expected \["),
    ],
)
def test_json_with_another_key_or_type_is_refused_by_name(change, words):
    with pytest.raises(ModelError, match=f"^network configuration has .*{words}"):
        NetworkConfiguration.from_json(DEFAULT.to_json() | change)


@pytest.mark.parametrize("values", [None, [], "channels", {}, {"channels": [16]}])
def test_json_that_lacks_keys_is_refused(values):
    with pytest.raises(ModelError, match=r"^network configuration has .*; expected .*; install the model"):
        NetworkConfiguration.from_json(values)
