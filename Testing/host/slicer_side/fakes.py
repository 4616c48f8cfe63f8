"""Fakes at the seams to the outer world (translation, pip, PyTorch's installer, sample data): they only keep what was asked."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import slicer
from packaging.requirements import Requirement


@dataclass(slots=True)
class Requests:
    """What the module under test asked of the outer world since the host was installed."""

    pip: list[tuple[str, Any, dict[str, Any]]] = field(default_factory=list)
    """(function of slicer.packaging, requirements, further arguments)"""
    torch: list[dict[str, Any]] = field(default_factory=list)
    """arguments of each PyTorchUtilsLogic.installTorch"""
    pip_fails: Exception | None = None
    """what pip_ensure raises where something is missing: RuntimeError as when the user declines, CalledProcessError as when pip
    ends with an error"""
    torch_installs: bool = False
    """whether installTorch gives torch (where this Python has it) or None, as when the user declines"""


requests = Requests()


def translation_module() -> ModuleType:
    """`slicer.i18n`, after Slicer: Base/Python/slicer/i18n.py."""
    made = ModuleType("slicer.i18n")

    def translate(context: str, text: str) -> str:
        return str(slicer.app.translate(context, text))

    def tr(text: str) -> str:
        return translate(Path(sys._getframe(1).f_code.co_filename).stem, text)

    made.translate, made.tr = translate, tr  # type: ignore[attr-defined]
    return made


def packaging_module() -> ModuleType:
    """`slicer.packaging`, after Slicer: Base/Python/slicer/packaging.py; nothing is ever installed."""
    made = ModuleType("slicer.packaging")

    def load_requirements(path: str | Path) -> list[Requirement]:
        lines = [line.strip() for line in Path(path).read_text(encoding="utf-8").splitlines()]
        return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]

    def pip_check(req: str | Requirement | list[str | Requirement]) -> bool:
        """Without extras and markers; what is installed is known by its metadata, whether its files are there or not."""
        each = [Requirement(str(one)) for one in (req if isinstance(req, list) else [req])]
        try:
            return all(version(one.name) in one.specifier for one in each)
        except PackageNotFoundError:
            return False

    def pip_ensure(
        requirements: Any,
        constraints: Any = None,
        skip_packages: Any = None,
        prompt_install: bool = True,
        prompt_restart: bool = True,
        requester: str | None = None,
        skip_in_testing: bool = True,
        show_progress: bool = True,
    ) -> None:
        requests.pip.append(("pip_ensure", requirements, {"requester": requester, "constraints": constraints}))
        if requests.pip_fails is not None and not pip_check(requirements):
            raise requests.pip_fails

    def pip_install(requirements: Any, constraints: Any = None, **options: Any) -> None:
        requests.pip.append(("pip_install", requirements, {"constraints": constraints, **options}))

    for function in (load_requirements, pip_check, pip_ensure, pip_install):
        setattr(made, function.__name__, function)
    return made


def torch_module() -> ModuleType:
    """`PyTorchUtils` of the PyTorch extension (github.com/fepegar/SlicerPyTorch, PyTorchUtils/PyTorchUtils.py)."""
    made = ModuleType("PyTorchUtils")

    class PyTorchUtilsLogic:
        @staticmethod
        def torchInstalled() -> bool:
            return find_spec("torch") is not None

        def installTorch(
            self,
            askConfirmation: bool = False,
            forceComputationBackend: str | None = None,
            torchVersionRequirement: str | None = None,
            torchvisionVersionRequirement: str | None = None,
        ) -> Any:
            requests.torch.append({"askConfirmation": askConfirmation, "torchVersionRequirement": torchVersionRequirement})
            return import_module("torch") if requests.torch_installs else None

        def uninstallTorch(self, askConfirmation: bool = False, forceComputationBackend: str | None = None) -> None:
            requests.torch.append({"uninstall": True})

    made.PyTorchUtilsLogic = PyTorchUtilsLogic  # type: ignore[attr-defined]
    return made


def sample_data_module() -> ModuleType:
    """`SampleData`, after Slicer: Modules/Scripted/SampleData/SampleData.py."""
    made = ModuleType("SampleData")

    class SampleDataLogic:
        @staticmethod
        def registerCustomSampleDataSource(
            category: str = "Custom",
            sampleName: str | None = None,
            uris: Any = None,
            fileNames: Any = None,
            nodeNames: Any = None,
            customDownloader: Any = None,
            thumbnailFileName: str | None = None,
            loadFileTypes: Any = None,
            loadFiles: Any = None,
            loadFileProperties: Any = None,
            checksums: Any = None,
            loadFileType: Any = None,
        ) -> None:
            source = SimpleNamespace(
                sampleName=sampleName,
                uris=uris,
                fileNames=fileNames,
                nodeNames=nodeNames,
                customDownloader=customDownloader,
                thumbnailFileName=thumbnailFileName,
                checksums=checksums,
            )
            if not hasattr(slicer.modules, "sampleDataSources"):
                slicer.modules.sampleDataSources = {}
            sources = slicer.modules.sampleDataSources.setdefault(category, [])
            if all(known.sampleName != sampleName for known in sources):
                sources.append(source)

        @staticmethod
        def sampleDataSourcesByCategory(category: str | None = None) -> Any:
            sources = getattr(slicer.modules, "sampleDataSources", {})
            return sources if category is None else sources.get(category, [])

    made.SampleDataLogic = SampleDataLogic  # type: ignore[attr-defined]
    return made
