"""What is installed on a click: PyTorch through the PyTorch extension, small packages through Slicer."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from subprocess import CalledProcessError

import slicer
import slicer.packaging
from slicer.i18n import tr as _

from CardiacMTLLib.errors import MissingPackageError
from CardiacMTLPanel.python_environment import PYTORCH, TORCH, missing_packages, torch_works, why_never


def install_packages(requirements: Path) -> str:
    """Install what is missing and say what is there now; `requirements` lists the packages other than PyTorch.

    A PyTorch that cannot be loaded is installed again. The application asks before it installs. Raises `MissingPackageError`,
    which says what to do, where something is missing afterwards.
    """
    if not torch_works():
        _install_torch()
    ensure_packages(requirements)
    missing = missing_packages()
    if missing:
        raise MissingPackageError(
            _("{packages} could not be installed; see Slicer's Python console for the reason, or the README").format(
                packages=_(" and ").join(missing)
            )
        )
    return str(
        _("Ready: PyTorch {torch}, safetensors {safetensors} installed.").format(
            torch=version("torch"), safetensors=version("safetensors")
        )
    )


def ensure_packages(requirements: Path) -> None:
    """Install what is missing of the packages that `requirements` lists; the application asks before.

    Raises `MissingPackageError` where the user declines or pip fails.
    """
    wanted = slicer.packaging.load_requirements(str(requirements))
    with _installing(_(" and ").join(each.name for each in wanted)):
        slicer.packaging.pip_ensure(wanted, requester="CardiacMTL")
    importlib.invalidate_caches()


def _install_torch() -> None:
    """Install PyTorch; one that is installed but cannot be loaded is removed before, for pip would leave it as it is."""
    never = why_never()
    if never is not None:
        raise MissingPackageError(never)
    try:
        import PyTorchUtils  # noqa: PLC0415 - another extension, which may be missing
    except ImportError as error:
        raise MissingPackageError(
            _(
                "the extension PyTorch is not installed; open the Extensions Manager, install PyTorch, restart Slicer and "
                "press this button again; without a network see the README"
            )
        ) from error
    logic, again = PyTorchUtils.PyTorchUtilsLogic(), slicer.packaging.pip_check(TORCH)
    question = _("PyTorch is installed but cannot be loaded. Remove it and install it again? Other extensions use it, too.")
    if again and not slicer.util.confirmOkCancelDisplay(question, "CardiacMTL"):
        raise MissingPackageError(_("PyTorch is installed but cannot be loaded; press this button again to install it anew"))
    with _installing("PyTorch"):
        if again:
            logic.uninstallTorch()
        logic.installTorch(askConfirmation=not again, torchVersionRequirement=TORCH.removeprefix("torch"))
    importlib.invalidate_caches()
    if not torch_works():
        raise MissingPackageError(
            _(
                "{package} could not be installed, or cannot be loaded; see Slicer's Python console for the reason, restart "
                "Slicer and press this button again, or see the README"
            ).format(package=PYTORCH)
        )


@contextmanager
def _installing(packages: str) -> Iterator[None]:
    """`RuntimeError` is how Slicer says that the user declined, `CalledProcessError` that pip failed, as without a network."""
    try:
        yield
    except (RuntimeError, CalledProcessError, ImportError, OSError) as error:
        why = _("pip failed") if isinstance(error, CalledProcessError) else " ".join(str(error).split())
        raise MissingPackageError(
            _(
                "{packages} could not be installed ({why}); expected your consent and a network; try again, or see the README "
                "for a computer without a network"
            ).format(packages=packages, why=why)
        ) from error
