"""Models from elsewhere, in an archive: what is taken, what is refused, and that nothing is left or lost."""

import pickle
import shutil
import stat
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from CardiacMTLLib.errors import ModelError, OutputError
from CardiacMTLLib.network import archive, store
from CardiacMTLLib.network.archive import import_model, remove_model
from CardiacMTLLib.network.store import DEFAULT_MODEL, available_models, find_model, imported_models_dir
from CardiacMTLLib.network.weights import load_model
from Testing.unit.command_line import run
from Testing.unit.tiny_model import TINY, change_manifest, seal, write_tiny_model, zip_folder


@pytest.fixture
def imported(tmp_path, monkeypatch):
    """The folder of imported models; it does not exist yet."""
    folder = tmp_path / "für Modelle" / "models"
    monkeypatch.setenv("CARDIACMTL_MODELS", str(folder))
    return folder


@pytest.fixture
def model(tmp_path):
    """A model's folder outside, to be packed."""
    return write_tiny_model(tmp_path / "made" / "tiny").folder


@pytest.fixture
def packed(tmp_path, model):
    return lambda inside="": zip_folder(model, tmp_path / "tiny.zip", inside)


def names():
    return [entry.name for entry in available_models()]


def refusal(path, imported):
    before = sorted(str(p) for p in imported.rglob("*"))
    with pytest.raises(ModelError) as caught:
        import_model(path)
    message = str(caught.value)
    assert "\n" not in message
    assert ";" in message
    assert ".import-" not in message
    assert sorted(str(p) for p in imported.rglob("*")) == before
    return message


@pytest.mark.parametrize("inside", ["", "my-folder/"])
def test_an_archive_becomes_a_model_that_is_listed_loaded_and_removed_again(inside, packed, imported):
    entry = import_model(packed(inside))
    assert (entry.name, entry.folder, entry.shipped) == ("tiny", imported / "tiny", False)
    assert sorted(path.name for path in imported.rglob("*")) == ["card.md", "manifest.json", "tiny", "weights.safetensors"]
    assert names() == [DEFAULT_MODEL, "tiny"]
    assert find_model("tiny") == entry
    assert load_model("tiny").identity.version == "1.2.3"
    remove_model("tiny")
    assert names() == [DEFAULT_MODEL]
    assert list(imported.iterdir()) == []


def test_the_licence_of_a_model_travels_with_it(packed, imported):
    path = packed()
    with zipfile.ZipFile(path, "a") as opened:
        opened.writestr("LICENSE.txt", "For research only.")
    assert (import_model(path).folder / "LICENSE.txt").read_text(encoding="utf-8") == "For research only."


def test_a_folder_that_is_a_member_of_its_own_does_no_harm(packed, imported):
    path = packed("tiny/")
    with zipfile.ZipFile(path, "a") as opened:
        opened.mkdir("tiny")
    assert import_model(path).name == "tiny"


@pytest.mark.robustness(30)
def test_a_model_that_is_there_is_kept(packed, imported, model):
    import_model(packed())
    before = (imported / "tiny" / "weights.safetensors").read_bytes()
    change_manifest(model, version="2.0.0")
    assert "there is a model tiny already" in refusal(packed(), imported)
    assert "remove the imported one first" in refusal(packed(), imported)
    assert (imported / "tiny" / "weights.safetensors").read_bytes() == before
    assert find_model("tiny").manifest().version == "1.2.3"


@pytest.mark.robustness(30)
def test_models_that_came_with_the_software_are_neither_replaced_nor_removed(packed, imported, model):
    change_manifest(model, name=DEFAULT_MODEL)
    assert "it came with the software and stays" in refusal(packed(), imported)
    with pytest.raises(ModelError, match="came with the software; expected an imported one"):
        remove_model(DEFAULT_MODEL)
    shutil.copytree(model, imported / DEFAULT_MODEL)
    assert find_model().shipped
    assert names() == [DEFAULT_MODEL]


def test_a_model_that_is_not_there_cannot_be_removed(packed, imported):
    import_model(packed())
    with pytest.raises(ModelError, match=r"there is no model 'other'; expected one of the imported ones, \['tiny'\]"):
        remove_model("other")
    with pytest.raises(ModelError, match="there is no model"):
        remove_model("../tiny")


def damaged(change):
    """Turns a change of an archive's bytes into a change of the archive."""
    return lambda path: path.write_bytes(change(path.read_bytes()))


def with_member(name, content=b"x", mode=None):
    def add(path):
        with zipfile.ZipFile(path, "a") as opened:
            member = zipfile.ZipInfo(name)
            if mode is not None:
                member.external_attr = mode << 16
            opened.writestr(member, content)

    return add


def without_member(name):
    def remove(path):
        with zipfile.ZipFile(path) as opened:
            kept = {each: opened.read(each) for each in opened.namelist() if each != name}
        with zipfile.ZipFile(path, "w") as opened:
            for each, content in kept.items():
                opened.writestr(each, content)

    return remove


def bomb(path):
    without_member("card.md")(path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("card.md", b"\0" * 2_000_000)


def lying_bomb(path):
    """Unpacks to more than its header says."""
    bomb(path)
    content = bytearray(path.read_bytes())
    for place in (content.rfind(b"PK\x01\x02") + 24, content.rfind(b"PK\x03\x04") + 22):
        content[place : place + 4] = (10).to_bytes(4, "little")
    path.write_bytes(bytes(content))


def encrypted(path):
    content = bytearray(path.read_bytes())
    start = 0
    while (start := content.find(b"PK\x01\x02", start)) >= 0:
        content[start + 8] |= 1
        start += 4
    path.write_bytes(bytes(content))


BAD_ARCHIVES = {
    "a web page": (damaged(lambda _: b"<!DOCTYPE html><html>404</html>"), "is damaged or no zip file"),
    "empty": (damaged(lambda _: b""), "is damaged or no zip file"),
    "cut off": (damaged(lambda b: b[: len(b) // 2]), "is damaged or no zip file"),
    "one bit of the packed weights": (
        damaged(lambda b: b[:-3000] + bytes([b[-3000] ^ 4]) + b[-2999:]),
        "is damaged or no zip file",
    ),
    "encrypted": (encrypted, "is damaged or no zip file"),
    "missing": (lambda p: p.unlink(), "cannot be read (No such file or directory)"),
    "a folder": (lambda p: (p.unlink(), p.mkdir()), "cannot be read (Is a directory)"),
    "a way up": (with_member("../weights.safetensors"), "leads out of it"),
    "a way up from a folder": (with_member("a/../../card.md"), "leads out of it"),
    "an absolute name": (with_member("/card.md"), "leads out of it"),
    "a Windows name": (with_member("..\\card.md"), "leads out of it"),
    "a drive": (with_member("C:card.md"), "leads out of it"),
    "a link": (with_member("link", b"/etc/passwd", stat.S_IFLNK | 0o777), "is a link"),
    "something else": (with_member("setup.py"), "beside or twice among"),
    "a second card": (with_member("other/card.md"), "beside or twice among"),
    "a deep folder": (with_member("a/b/c.md"), "beside or twice among"),
    "an empty folder beside": (with_member("other/"), "in 2 folders"),
    "no card": (without_member("card.md"), "holds ['manifest.json', 'weights.safetensors']"),
    "no weights": (without_member("weights.safetensors"), "holds ['card.md', 'manifest.json']"),
    "a bomb": (bomb, "card.md unpacks to 2 MB; expected 1 at most"),
    "a bomb that lies": (lying_bomb, "is damaged or no zip file"),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(("change", "words"), BAD_ARCHIVES.values(), ids=BAD_ARCHIVES)
@pytest.mark.robustness(30, 34)
def test_an_archive_that_is_none_is_refused_and_nothing_is_left(change, words, packed, imported):
    path = packed()
    change(path)
    assert words in refusal(path, imported)
    assert names() == [DEFAULT_MODEL]


@pytest.mark.robustness(34)
def test_unpacking_stops_at_the_limit_whatever_the_header_says(packed, imported, monkeypatch):
    path = packed()
    with zipfile.ZipFile(path) as opened, path.with_suffix(".out").open("wb"):
        member = opened.getinfo("card.md")
        with pytest.raises(ModelError, match="unpacks to more than 0 MB"):
            archive._copy(path, opened, member, path.with_suffix(".out"), 5)


class _Payload:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


def rewritten(change):
    def rewrite(entry):
        tensors = load_file(entry.weights)
        change(tensors)
        save_file(tensors, entry.weights)

    return rewrite


def false_header(entry):
    header = b'{"auxiliary.bias":{"dtype":"F32","shape":[9999999999],"data_offsets":[0,4]}}'
    entry.weights.write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0\0\0")


def endless_header(entry):
    entry.weights.write_bytes((2**62).to_bytes(8, "little") + b"{}")


BAD_WEIGHTS = {
    "a pickle": (lambda e: e.weights.write_bytes(pickle.dumps(_Payload(e.folder.parent / "ran"))), "is no safetensors file"),
    "a false header": (false_header, "is no safetensors file"),
    "an endless header": (endless_header, "is no safetensors file"),
    "a missing key": (rewritten(lambda t: t.pop("auxiliary.bias")), "lacks tensor auxiliary.bias"),
    "a wrong shape": (rewritten(lambda t: t.update({"auxiliary.bias": torch.zeros(6)})), "auxiliary.bias has shape (6,)"),
    "NaN": (rewritten(lambda t: t["auxiliary.bias"].fill_(float("nan"))), "holds values that are not finite"),
}


@pytest.mark.parametrize(("change", "words"), BAD_WEIGHTS.values(), ids=BAD_WEIGHTS)
@pytest.mark.robustness(31, 32)
def test_weights_that_cannot_be_are_refused_even_with_the_right_checksum(change, words, packed, imported, model):
    entry = store.ModelEntry("tiny", model)
    change(entry)
    assert "has SHA-256" in refusal(packed(), imported)
    seal(entry)
    assert words in refusal(packed(), imported)
    assert not (model.parent / "ran").exists()


BAD_MANIFESTS = {
    "of a later version": ({"manifest_version": 99}, "has manifest version 99"),
    "with an unknown key": ({"colour": "red"}, "'colour'"),
    "with a path for a name": ({"name": "../evil"}, "is called '../evil'"),
    "with an empty name": ({"name": ""}, "is called ''"),
    "with a hidden name": ({"name": ".hidden"}, "is called '.hidden'"),
    "with a name that ends in a dot": ({"name": "tiny."}, "is called 'tiny.'"),
    "with a long name": ({"name": "a" * 65}, "is called"),
    "of a network that fills all memory": ({"network": TINY.to_json() | {"channels": [10**6] * 4}}, "has shape"),
}


@pytest.mark.parametrize(("values", "words"), BAD_MANIFESTS.values(), ids=BAD_MANIFESTS)
@pytest.mark.robustness(33)
def test_a_manifest_that_cannot_be_is_refused(values, words, packed, imported, model):
    change_manifest(model, **values)
    assert words in refusal(packed(), imported)


@settings(max_examples=60)
@given(data=st.data())
@pytest.mark.robustness(30, 34)
def test_a_damaged_archive_is_refused_or_gives_the_very_model(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    whole = zip_folder(write_tiny_model(folder / "tiny").folder, folder / "tiny.zip").read_bytes()
    content = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (folder / "bad.zip").write_bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIACMTL_MODELS", str(folder / "models"))
        try:
            entry = import_model(folder / "bad.zip")
        except ModelError:
            assert list((folder / "models").iterdir()) == []
        else:
            assert entry.weights.read_bytes() == (folder / "tiny" / "weights.safetensors").read_bytes()
    shutil.rmtree(folder)


def test_a_full_disk_is_a_clear_error_and_leaves_nothing(packed, imported, monkeypatch):
    def copy(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archive, "_copy", copy)
    with pytest.raises(OutputError, match=r"cannot be changed \(No space left on device\)"):
        import_model(packed())
    assert list(imported.iterdir()) == []


def test_a_place_that_cannot_be_written_is_a_clear_error(packed, imported, tmp_path):
    imported.parent.parent.mkdir(exist_ok=True)
    imported.parent.write_text("a file where the folder should be")
    with pytest.raises(OutputError, match="CARDIACMTL_MODELS"):
        import_model(packed())


def test_import_and_remove_stop_in_the_middle_without_a_half_model_in_the_list(packed, imported):
    (imported / ".import-killed").mkdir(parents=True)
    shutil.copy(find_model().folder / "manifest.json", imported / ".import-killed")
    assert names() == [DEFAULT_MODEL]


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, ".local/share/CardiacMTL/models"),
        ("linux", {"XDG_DATA_HOME": "elsewhere"}, "elsewhere/CardiacMTL/models"),
        ("darwin", {}, "Library/Application Support/CardiacMTL/models"),
        ("win32", {"LOCALAPPDATA": "local"}, "local/CardiacMTL/models"),
        ("win32", {}, "AppData/Local/CardiacMTL/models"),
        ("linux", {"CARDIACMTL_MODELS": "~/chosen"}, "chosen"),
    ],
)
def test_imported_models_lie_where_the_system_keeps_a_user_s_data(platform, variables, expected, tmp_path, monkeypatch):
    for name in ("XDG_DATA_HOME", "LOCALAPPDATA", "CARDIACMTL_MODELS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value if value.startswith("~") else str(tmp_path / value))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", platform)
    assert imported_models_dir() == tmp_path / expected


def test_the_commands_import_list_verify_and_remove(packed, imported, capsys):
    assert run("models", "import", packed()) == 0
    assert capsys.readouterr().out == f"tiny  1.2.3  imported into {imported / 'tiny'}\n"
    assert run("models", "list") == 0
    assert "\ntiny  1.2.3  (imported)\n" in capsys.readouterr().out
    assert run("models", "verify") == 0
    assert "\ntiny  1.2.3  sha256 " in capsys.readouterr().out
    assert run("models", "remove", "tiny") == 0
    assert capsys.readouterr().out == "tiny  removed\n"
    assert run("models", "remove", "tiny") == 2
    assert "there is no model 'tiny'" in capsys.readouterr().err


def test_a_refused_import_is_one_line_and_exit_status_2(packed, imported, capsys):
    path = packed()
    path.write_bytes(b"<html></html>")
    assert run("models", "import", path) == 2
    err = capsys.readouterr().err
    assert err.startswith("cardiacmtl: error: ")
    assert err.count("\n") == 1
