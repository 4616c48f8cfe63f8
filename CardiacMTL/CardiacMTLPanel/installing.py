"""What is installed on a click: PyTorch through the PyTorch extension, small packages through Slicer, a model from a file."""

from __future__ import annotations

from pathlib import Path

import slicer
import slicer.packaging
from slicer.i18n import tr as _

from CardiacMTLLib.errors import MissingPackageError
from CardiacMTLPanel.python_environment import missing_packages

TORCH_REQUIREMENT = ">=2.11"


def install_packages(requirements: Path) -> str:
    """Install what is missing and say what is there now; `requirements` lists the packages other than PyTorch.

    The application asks before it installs. Raises `MissingPackageError`, which says what to do, where something is missing
    afterwards.
    """
    if "PyTorch" in missing_packages():
        try:
            import PyTorchUtils  # noqa: PLC0415 - another extension, which may be missing
        except ImportError as error:
            raise MissingPackageError(
                _(
                    "the extension PyTorch is not installed; open the Extensions Manager, install PyTorch, restart Slicer and "
                    "press this button again; without a network see the README"
                )
            ) from error
        PyTorchUtils.PyTorchUtilsLogic().installTorch(askConfirmation=True, torchVersionRequirement=TORCH_REQUIREMENT)
    wanted = slicer.packaging.load_requirements(str(requirements))
    slicer.packaging.pip_ensure(wanted, requester="CardiacMTL")
    missing = missing_packages()
    if missing:
        raise MissingPackageError(
            _("{packages} could not be installed; see Slicer's Python console for the reason, or the README").format(
                packages=_(" and ").join(missing)
            )
        )
    return installed_versions()


def installed_versions() -> str:
    """One line with the versions that the worker will use."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    found = []
    for title, package in (("PyTorch", "torch"), ("safetensors", "safetensors")):
        try:
            found.append(f"{title} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{title} ?")
    return str(_("Ready: {packages} installed.").format(packages=", ".join(found)))
