import numpy as np
import pytest
import torch

from CardiacMTLLib import pipeline
from CardiacMTLLib.inference.fallback import is_out_of_memory
from CardiacMTLLib.network.weights import LoadedModel
from CardiacMTLLib.pipeline import analyse
from CardiacMTLLib.report.record import result_record
from Testing.unit.hearts import ED_HEART, ES_HEART, study_of
from Testing.unit.oracle import ORACLE_GRID, oracle_model, painted_frames

torch.set_num_threads(1)
TRUTH = np.stack([ED_HEART.mask(ORACLE_GRID), ES_HEART.mask(ORACLE_GRID)])
STUDY = study_of(painted_frames(TRUTH, ORACLE_GRID.spacing_xyz_mm), ORACLE_GRID.spacing_xyz_mm, ed_frame=0, es_frame=1)


class FullGpu:
    """The oracle on a device that is no CPU: its first `locate` there raises `error`."""

    def __init__(self, error):
        self.model, self.error, self.tried = oracle_model(), error, []

    def loaded(self):
        network, locate = self.model.network, self.model.network.locate

        def to(device):
            self.tried.append(device.type)
            return network

        def located(images):
            if images.device.type != "cpu":
                raise self.error
            return locate(images)

        network.to, network.locate = to, located
        return LoadedModel(network, self.model.manifest)


@pytest.fixture
def gpu(monkeypatch):
    """Makes the device that is chosen one that is no CPU; "meta" takes arrays without a GPU."""
    monkeypatch.setattr(pipeline, "choose_device", lambda wanted: torch.device("cpu" if wanted == "cpu" else "meta"))
    # A network that was folded is a copy, without what the fake put in its place.
    monkeypatch.setattr("CardiacMTLLib.inference.find.folded", lambda network: network)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("MPS backend out of memory (MPS allocated: 8 GB)"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    ],
)
@pytest.mark.robustness(21)
def test_a_gpu_without_memory_is_given_up_for_the_cpu_once_and_the_result_says_so(gpu, error):
    full, told, sentences = FullGpu(error), [], []
    analysis = analyse(STUDY, full.loaded(), progress=lambda text, _: sentences.append(text), note=told.append)
    assert full.tried == ["meta", "cpu"]
    assert [flag.code for flag in analysis.flags] == ["gpu_out_of_memory"]
    assert told == [analysis.flags[0].text]
    assert sentences.count("finding the heart") == 2
    assert result_record(analysis)["quality"]["flags"][0]["code"] == "gpu_out_of_memory"
    plain = analyse(STUDY, oracle_model(), device="cpu")
    assert analysis.measurements == plain.measurements
    assert analysis.diagnosis == plain.diagnosis


def test_another_error_of_a_gpu_goes_on(gpu):
    full = FullGpu(RuntimeError("CUDA error: an illegal memory access was encountered"))
    with pytest.raises(RuntimeError, match="illegal memory access"):
        analyse(STUDY, full.loaded())
    assert full.tried == ["meta"]


def test_a_cpu_without_memory_has_nothing_to_fall_back_to(gpu):
    full = FullGpu(None)
    loaded = full.loaded()
    full.model.network.locate = lambda _: (_ for _ in ()).throw(torch.OutOfMemoryError("out of memory"))
    with pytest.raises(torch.OutOfMemoryError):
        analyse(STUDY, loaded, device="cpu")
    assert full.tried == ["cpu"]


def test_a_run_that_needs_no_fallback_has_no_flag_and_no_note():
    told = []
    assert analyse(STUDY, oracle_model(), device="cpu", note=told.append).flags == ()
    assert told == []


@pytest.mark.parametrize("text", ["shape mismatch", "", "memory is fine"])
def test_other_messages_are_not_taken_for_memory(text):
    assert not is_out_of_memory(RuntimeError(text))
