import hashlib
import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from CardiacMTLLib.errors import ModelError
from CardiacMTLLib.network import store
from CardiacMTLLib.network.clinical_layer import StudyScale
from CardiacMTLLib.network.configuration import NetworkConfiguration
from CardiacMTLLib.network.manifest import MANIFEST_VERSION, Calibration, Manifest, Provenance
from CardiacMTLLib.network.store import DEFAULT_MODEL, available_models, find_model, verify_model
from CardiacMTLLib.network.weights import load_entry, save_weights
from Testing.unit.tiny_model import change_manifest, random_network, seal, write_model

torch.set_num_threads(1)
CONFIGURATION = NetworkConfiguration(
    window_size=32, channels=(4, 8, 8, 8, 16), embedding_size=8, locator_size=16, locator_channels=(2, 4, 4, 4)
)
CALIBRATION = Calibration(1.5, 2.5, 0.4)


def new_network():
    return random_network(CONFIGURATION, seed=4)


@pytest.fixture
def entry(tmp_path):
    return write_model(tmp_path / "small", new_network(), "1.2.3", CALIBRATION, Provenance(seed=7))


def refusal(entry):
    with pytest.raises(ModelError) as caught:
        load_entry(entry)
    message = str(caught.value)
    assert "\n" not in message
    assert ";" in message
    return message


def test_a_model_comes_back_with_no_loss_but_half_precision_convolutions(entry):
    wanted, loaded = new_network().state_dict(), load_entry(entry).network.state_dict()
    assert loaded.keys() == wanted.keys()
    for key, tensor in wanted.items():
        expected = tensor.half().float() if tensor.is_floating_point() and tensor.ndim == 4 else tensor
        assert torch.equal(loaded[key], expected), key
        assert loaded[key].dtype == tensor.dtype


def test_half_precision_hardly_changes_what_the_network_says(entry):
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        wanted, found = (n(images, StudyScale(1.5, 8.0), indexed=True) for n in (new_network(), load_entry(entry).network))
    torch.testing.assert_close(found.mask_logits, wanted.mask_logits, atol=5e-3, rtol=1e-2)


def test_a_loaded_model_is_ready_for_inference_and_knows_who_it_is(entry):
    model = load_entry(entry)
    assert not model.network.training
    assert (model.identity.name, model.identity.version) == ("small", "1.2.3")
    assert model.identity.sha256 == hashlib.sha256(entry.weights.read_bytes()).hexdigest() == verify_model(entry)
    assert model.manifest.provenance.seed == 7
    assert (model.head(indexed=True).temperature, model.head(indexed=False).temperature) == (1.5, 2.5)
    assert model.head(indexed=True).weight.shape == (5, 29)


def test_saving_leaves_the_network_as_it_was(tmp_path):
    network = new_network()
    save_weights(network, tmp_path / "weights.safetensors")
    assert all(p.dtype == torch.float32 for p in network.parameters())


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 1.0])
@pytest.mark.robustness(30)
def test_one_flipped_bit_anywhere_is_found(entry, share):
    content = bytearray(entry.weights.read_bytes())
    content[int(share * (len(content) - 1))] ^= 4
    entry.weights.write_bytes(content)
    assert "has SHA-256" in refusal(entry)
    assert "small again" in refusal(entry)


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html><html><body>404</body></html>" * 9, None])
@pytest.mark.robustness(30)
def test_an_empty_foreign_or_truncated_file_is_refused(entry, content):
    entry.weights.write_bytes(entry.weights.read_bytes()[:-1] if content is None else content)
    assert "the file is damaged" in refusal(entry)
    seal(entry)
    assert "is no safetensors file" in refusal(entry)


def test_missing_weights_are_named(entry):
    entry.weights.unlink()
    assert "weights.safetensors cannot be read (No such file or directory)" in refusal(entry)


class _Payload:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.marker,)


@pytest.mark.parametrize("write", [lambda o, p: p.write_bytes(pickle.dumps(o)), torch.save], ids=["pickle", "torch"])
@pytest.mark.robustness(31)
def test_a_pickle_under_the_name_of_safetensors_is_refused_and_never_run(entry, tmp_path, write):
    marker = tmp_path / "ran"
    write({"weights": _Payload(marker)}, entry.weights)
    seal(entry)
    assert "is no safetensors file" in refusal(entry)
    assert not marker.exists()


def rewrite(entry, change):
    tensors = load_file(entry.weights)
    change(tensors)
    save_file(tensors, entry.weights)
    seal(entry)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.pop("auxiliary.bias"), "lacks tensor auxiliary.bias"),
        (lambda t: t.update(extra=torch.zeros(1)), "has unknown tensor extra"),
        (lambda t: t.update({"auxiliary.bias": torch.zeros(6)}), r"auxiliary.bias has shape (6,); expected (5,)"),
        (lambda t: t.update({"auxiliary.bias": torch.tensor(0.0)}), r"auxiliary.bias has shape (); expected (5,)"),
        (lambda t: t["auxiliary.bias"].__setitem__(2, float("nan")), "auxiliary.bias holds values that are not finite"),
        (lambda t: t["decoder.out.weight"].__setitem__(0, float("inf")), "decoder.out.weight holds values that are not finite"),
        (lambda t: t["head_unindexed.feature_sd"].zero_(), "head_unindexed.feature_sd holds values that are not positive"),
    ],
)
@pytest.mark.robustness(32)
def test_weights_that_do_not_fit_are_refused_by_the_name_of_the_tensor(entry, change, words):
    rewrite(entry, change)
    assert words in refusal(entry)


@pytest.mark.robustness(32)
def test_a_type_of_number_that_torch_does_not_know_is_refused(entry):
    header = json.dumps({"auxiliary.bias": {"dtype": "F4", "shape": [2], "data_offsets": [0, 1]}}).encode()
    entry.weights.write_bytes(len(header).to_bytes(8, "little") + header + b"\0")
    seal(entry)
    assert "is no safetensors file" in refusal(entry)


def test_a_missing_manifest_is_named(entry):
    (entry.folder / "manifest.json").unlink()
    assert "manifest.json is missing" in refusal(entry)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be read"),
        ("<html></html>", "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        ("\x00\xff", "cannot be read"),
        ("[]", "has manifest version None; expected 3"),
        ('{"name": "small"}', "has manifest version None; expected 3"),
        ('{"manifest_version": 1}', "has manifest version 1; expected 3"),
        ('{"manifest_version": 2}', "has manifest version 2; expected 3"),
        ('{"manifest_version": 3}', "has []; expected ['calibration'"),
    ],
)
@pytest.mark.robustness(33)
def test_a_manifest_that_is_none_is_refused(entry, text, words):
    (entry.folder / "manifest.json").write_bytes(text.encode("latin-1"))
    assert words in refusal(entry)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"manifest_version": MANIFEST_VERSION + 1}, "has manifest version 4"),
        ({"colour": "red"}, "'colour'"),
        ({"labels": ["BACKGROUND", "LV", "MYOCARDIUM", "RV"]}, "has labels ['BACKGROUND', 'LV', 'MYOCARDIUM', 'RV']"),
        ({"labels": None}, "labels 'None'; expected a list"),
        ({"groups": ["NOR", "DCM", "MINF", "HCM", "RV"]}, "has groups ['NOR', 'DCM'"),
        ({"features": []}, "has features []"),
        ({"clip_percentiles": [1, 99]}, "has clip_percentiles [1, 99]"),
        ({"weights_sha256": 5}, "weights_sha256 '5'; expected text"),
        ({"calibration": {"temperature_indexed": 1.0}}, "calibration has ['temperature_indexed']"),
        ({"calibration": None}, "calibration 'None'; expected a record"),
        ({"provenance": {}}, "provenance has []"),
        ({"network": {"window_size": 128}}, "network configuration has ['window_size']"),
        ({"network": CONFIGURATION.to_json() | {"channels": [4, 8]}}, "unknown tensor"),
    ],
)
@pytest.mark.robustness(33)
def test_a_manifest_that_says_otherwise_than_the_software_is_refused(entry, values, words):
    change_manifest(entry.folder, **values)
    assert words in refusal(entry)


@pytest.mark.parametrize(
    "values",
    [
        {"temperature_indexed": 0.0},
        {"temperature_unindexed": -1.0},
        {"temperature_unindexed": float("nan")},
        {"temperature_indexed": float("inf")},
        {"label_threshold": 1.5},
        {"label_threshold": "0.5"},
        {"mask_quality": 0.9},
        {"mask_quality": {}},
        {"scope": "all"},
        {"scope": {"bias": 0.0}},
    ],
)
def test_a_calibration_that_cannot_be_is_refused(entry, values):
    good = json.loads((entry.folder / "manifest.json").read_text())["calibration"]
    change_manifest(entry.folder, calibration=good | values)
    said = refusal(entry)
    assert "calibration" in said or "mask quality" in said


def test_a_manifest_comes_back_as_it_was_written(entry):
    path = entry.folder / "manifest.json"
    manifest = Manifest.load(path)
    before = path.read_text()
    manifest.save(path)
    assert json.loads(path.read_text()) == json.loads(before)
    assert manifest.network == CONFIGURATION


def test_models_are_listed_by_name_with_the_default_first(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "models_dir", lambda: tmp_path)
    for name in ("zeta", "alpha", DEFAULT_MODEL):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text("{}")
    (tmp_path / "no-model").mkdir()
    assert [entry.name for entry in available_models()] == [DEFAULT_MODEL, "alpha", "zeta"]


def test_a_model_is_found_by_its_name_and_the_default_by_none(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "models_dir", lambda: tmp_path)
    for name in ("alpha", DEFAULT_MODEL):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text("{}")
    assert find_model("alpha").folder == tmp_path / "alpha"
    assert find_model().name == DEFAULT_MODEL
    with pytest.raises(ModelError, match=f"^there is no model 'beta'; expected one of .*'{DEFAULT_MODEL}', 'alpha'"):
        find_model("beta")
