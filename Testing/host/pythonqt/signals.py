"""Connections as PythonQt makes them: signatures checked, arguments trimmed, exceptions printed and not passed on."""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import SIGNAL, SLOT, QMetaMethod, QMetaObject, QObject

STORE = "_host_connections"
"""Dynamic property that keeps an object's connections alive as long as the C++ object lives, as PythonQt's receiver does."""

slot_errors: list[BaseException] = []
"""Exceptions that slots have raised and that were only printed. A test that expects one takes it out."""


_signals_of_class: dict[type, list[str]] = {}
"""Signatures of the signals that Qt knows of each class; every object has some, so that an empty list is not known yet."""


@dataclass(slots=True)
class Target:
    """One Python callable that hangs on one signal."""

    signature: str
    function: Callable[..., object]
    connection: Any = None

    def __call__(self, *arguments: object) -> None:
        """Pass on as many arguments as the function declares; print what it raises."""
        try:
            self.function(*arguments[: declared_arguments(self.function)])
        except Exception as error:  # noqa: BLE001 - this is what PythonQt does
            slot_errors.append(error)
            traceback.print_exc()


@dataclass(slots=True)
class Store:
    """The connections of one object; no list, for Qt would copy that."""

    targets: list[Target]


def declared_arguments(function: Callable[..., object]) -> int | None:
    """How many arguments PythonQt passes on: all (None) unless it is a plain function or method without `*args`.

    After PythonQtSignalTarget::call in github.com/MeVisLab/pythonqt, src/PythonQtSignalReceiver.cpp; defaults count.
    """
    plain = function.__func__ if inspect.ismethod(function) else function
    if not inspect.isfunction(plain) or plain.__code__.co_flags & inspect.CO_VARARGS:
        return None
    return plain.__code__.co_argcount - inspect.ismethod(function)


def host_signals(sender: QObject) -> tuple[str, ...]:
    """Signals of stand-ins whose arguments Qt cannot carry here, or that come from the class's table."""
    return getattr(sender, "host_signals", ())


def known_signal(sender: QObject, signature: str) -> str | None:
    """The normalised signature if the object has such a signal, otherwise None."""
    normal = bytes(QMetaObject.normalizedSignature(signature).data()).decode()
    if normal in host_signals(sender) or sender.metaObject().indexOfSignal(normal) >= 0:
        return normal
    return None


def overloads(sender: QObject, name: str) -> list[str]:
    """Every signature of the signal `name`, in the order of declaration."""
    of_class = _signals_of_class.setdefault(type(sender), [])
    if not of_class:
        meta = sender.metaObject()
        methods = [meta.method(index) for index in range(meta.methodCount())]
        signals = [method for method in methods if method.methodType() == QMetaMethod.MethodType.Signal]
        of_class += [bytes(method.methodSignature().data()).decode() for method in signals]
    return [signature for signature in (*host_signals(sender), *of_class) if signature.partition("(")[0] == name]


def connect(sender: QObject, signature: str, function: Callable[..., object]) -> bool:
    """Connect; an unknown signature is printed and gives False."""
    normal = known_signal(sender, signature)
    if normal is None or not callable(function):
        meta = sender.metaObject().className()
        print(f"QObject::connect: no signal {signature} on {meta} object, or nothing to call", file=sys.stderr)  # noqa: T201
        return False
    target = Target(normal, function)
    if normal not in host_signals(sender):
        target.connection = QObject.connect(sender, SIGNAL(normal), lambda *arguments: target(*wrap_all(arguments)))
    store(sender).targets.append(target)
    return True


def connect_slot(sender: QObject, signature: str, receiver: QObject, slot: str) -> bool:
    """Connect a signal of Qt to a slot of Qt, both named by signature."""
    if sender.metaObject().indexOfSignal(signature) < 0 or receiver.metaObject().indexOfSlot(slot) < 0:
        return False
    return bool(QObject.connect(sender, SIGNAL(signature), receiver, SLOT(slot)))


def disconnect(sender: QObject, signature: str, function: Callable[..., object] | None = None) -> bool:
    """Undo one connection of `function`, or with None all of the signal; whether there was any."""
    normal = known_signal(sender, signature)
    held = store(sender)
    matches = [target for target in held.targets if target.signature == normal and function in (None, target.function)]
    for target in matches[: 1 if function is not None else None]:
        held.targets = [other for other in held.targets if other is not target]
        if target.connection is not None:
            QObject.disconnect(target.connection)
    return bool(matches)


def emit(sender: QObject, signature: str, *arguments: object) -> None:
    """Emit a signal of a stand-in to all that hang on it."""
    assert signature in host_signals(sender), f"{type(sender).__name__} has no signal {signature}"
    if not sender.signalsBlocked():
        for target in tuple(store(sender).targets):
            if target.signature == signature:
                target(*wrap_all(arguments))


def store(sender: QObject) -> Store:
    """The object's connections."""
    held = sender.property(STORE)
    if held is None:
        held = Store([])
        sender.setProperty(STORE, held)
    return held


def wrap_all(arguments: tuple[object, ...]) -> tuple[object, ...]:
    """Arguments as Python code sees them."""
    from Testing.host.pythonqt.wrapper import wrap

    return tuple(wrap(argument) for argument in arguments)
