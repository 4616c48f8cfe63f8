"""`cardiacmtl models list|verify`: models are named with their state, and a damaged one fails to verify."""

import re

import pytest

from CardiacMTLLib.network.store import DEFAULT_MODEL, WEIGHTS_NAME
from Testing.unit.command_line import needs_model, run


@pytest.mark.parametrize("action", ["list", "verify"])
def test_without_models_list_says_so_and_verify_fails(action, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("CardiacMTLLib.network.store.models_dir", lambda: tmp_path)
    status = run("models", action)
    printed = capsys.readouterr()

    assert status == {"list": 0, "verify": 2}[action]
    assert "no model is installed" in printed.out + printed.err


def test_a_model_with_a_damaged_manifest_is_listed_as_unusable_and_fails_to_verify(tmp_path, monkeypatch, capsys):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/manifest.json").write_text("<html>", encoding="utf-8")
    monkeypatch.setattr("CardiacMTLLib.network.store.models_dir", lambda: tmp_path)

    assert run("models", "list") == 0
    assert capsys.readouterr().out.startswith("broken  unusable: ")
    assert run("models", "verify") == 2
    assert capsys.readouterr().err.count("\n") == 1


@needs_model
def test_installed_models_are_listed_and_verified(capsys):
    assert run("models", "list") == 0
    assert capsys.readouterr().out.splitlines()[0].endswith("(default)")
    assert run("models", "verify") == 0
    for line in capsys.readouterr().out.splitlines():
        assert re.search(r"sha256 [0-9a-f]{64}  intact$", line)


def test_a_model_is_verified_and_a_single_flipped_bit_is_found(untrained_model, phases, tmp_path, capsys):
    assert run("models", "verify") == 0
    assert re.fullmatch(rf"{DEFAULT_MODEL}  0.0.1  sha256 [0-9a-f]{{64}}  intact\n", capsys.readouterr().out)

    weights = bytearray((untrained_model / WEIGHTS_NAME).read_bytes())
    weights[-1] ^= 1
    (untrained_model / WEIGHTS_NAME).write_bytes(weights)
    assert run("models", "verify") == 2
    assert run("run", "--ed", phases[0], "--es", phases[1], "--out", tmp_path / "out") == 2
    assert capsys.readouterr().err.count("SHA-256") == 2
    assert not (tmp_path / "out").exists()
