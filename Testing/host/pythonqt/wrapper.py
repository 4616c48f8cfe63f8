"""`InstanceWrapper`: a Qt object as PythonQt shows it to Python.

Read beside github.com/MeVisLab/pythonqt, src/PythonQtInstanceWrapper.cpp: properties before slots before signals before enums
before dynamic properties before children; no new attributes unless the class is a Python subclass; deleted objects are false
and raise.
"""

from __future__ import annotations

import enum
import weakref
from collections.abc import Callable
from typing import Any

import shiboken6
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QDialog

from Testing.host.api.qt_classes import OVERRIDABLE, PYSIDE_GUARDS, PYTHONQT_ADDED
from Testing.host.pythonqt import dialogs, signals
from Testing.host.pythonqt.class_spec import ClassSpec, spec_of
from Testing.host.pythonqt.convert import slot_types, to_type
from Testing.host.pythonqt.enums import EnumInt, class_enum_value, to_int
from Testing.host.pythonqt.properties import dynamic_property_or_child, read_property, write_property
from Testing.host.pythonqt.statics import call_static


class ClassWrapper(type):
    """Metaclass: enum values and static functions are found on the class."""

    spec: ClassSpec

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        spec = cls.spec
        value = class_enum_value(spec.pyside_class, name)
        if value is not None:
            return value
        spec.check(name)
        member = getattr(spec.pyside_class, name, None)
        if type(member).__name__ == "builtin_function_or_method":
            return lambda *arguments: wrap(call_static(spec.name, name, member, unwrap_all(arguments)))
        raise AttributeError(f"{spec.name}.{name} is no enum value and no static function: call it on an object")


class InstanceWrapper(metaclass=ClassWrapper):
    """One object of Qt, or one stand-in, with PythonQt's manners."""

    spec: ClassSpec
    _qt: Any

    def __init__(self, *arguments: object, **keywords: object) -> None:
        if keywords:
            raise ValueError(f"{self.spec.name}() takes no keyword arguments: {', '.join(keywords)}")
        kind = self.spec.pyside_class
        if is_subclassed(type(self)) and self.spec.calls_overrides:
            kind = _shell_class(type(self), kind)
        try:
            made = kind(*unwrap_all(arguments))
        except TypeError as error:
            raise ValueError(
                f"Could not find matching overload for given arguments: {self.spec.name}{arguments}: {error}"
            ) from None
        _bind(self, made)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_qt":
            raise AttributeError(name)
        spec, target = self.spec, _alive(self, name)
        if name in PYTHONQT_ADDED:
            return getattr(Added(self), name)
        if isinstance(target, QObject):
            name_in_qt = "objectName" if name == "name" and target.metaObject().indexOfProperty("name") < 0 else name
            found, value = read_property(target, name_in_qt)
            if found:
                return wrap(value)
            if signals.overloads(target, name):
                return BoundSignal(self, name)
            if not spec.has(name):
                found, value = dynamic_property_or_child(target, name)
                if found:
                    return wrap(value)
        value = class_enum_value(spec.pyside_class, name)
        if value is not None:
            return value
        spec.check(name)
        return Slot(self, name)

    def __setattr__(self, name: str, value: object) -> None:
        target = _alive(self, name)
        if isinstance(target, QObject):
            name_in_qt = "objectName" if name == "name" and target.metaObject().indexOfProperty("name") < 0 else name
            index = target.metaObject().indexOfProperty(name_in_qt)
            if index >= 0:
                write_property(target, index, value if isinstance(value, EnumInt) else unwrap(value))
                return
            if name.encode() in [bytes(known.data()) for known in target.dynamicPropertyNames()]:
                target.setProperty(name, unwrap(value))
                return
            if self.spec.has(name):
                raise AttributeError(f"Slot or signal '{name}' can not be overwritten on {self.spec.name} object")
        if not is_subclassed(type(self)):
            raise AttributeError(
                f"'{name}' does not exist on {self.spec.name} and creating new attributes on C++ objects is not allowed"
            )
        object.__setattr__(self, name, value)

    def __bool__(self) -> bool:
        return _is_alive(self)

    def __eq__(self, other: object) -> bool:
        if other is None:
            return not _is_alive(self)
        if not isinstance(other, InstanceWrapper):
            return NotImplemented
        if isinstance(self._qt, QObject):
            return self._qt is other._qt
        return bool(self._qt == other._qt)

    def __hash__(self) -> int:
        return id(self._qt)

    def __repr__(self) -> str:
        return f"{self.spec.name} (at: {id(self._qt):#x})"

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *self.spec.all_names()})


class Slot:
    """A method bound to an object: positional arguments only, converted as PythonQt converts them."""

    def __init__(self, owner: InstanceWrapper, name: str) -> None:
        self.owner, self.name = owner, name

    def __call__(self, *arguments: object, **keywords: object) -> Any:
        if keywords:
            raise ValueError(f"{self.owner.spec.name}.{self.name}() takes no keyword arguments: {', '.join(keywords)}")
        target = _alive(self.owner, self.name)
        if isinstance(target, QDialog) and self.name in {"exec", "exec_"}:
            return dialogs.execute(target)
        function: Callable[..., Any] = getattr(target, self.name)
        plain = unwrap_all(arguments)
        kinds = slot_types(target, self.name, len(plain)) if isinstance(target, QObject) else []
        try:
            if len(kinds) == 1:
                plain = [to_type(value, kind) for value, kind in zip(plain, kinds[0], strict=True)]
            return wrap(function(*plain))
        except TypeError as error:
            if error.__traceback__ is not None and error.__traceback__.tb_next is not None and not kinds:
                raise  # raised within the method of a stand-in
            where = f"{self.owner.spec.name}.{self.name}"
            raise ValueError(f"Could not find matching overload for given arguments: {where}{arguments}: {error}") from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Slot) and (self.owner, self.name) == (other.owner, other.name)

    def __hash__(self) -> int:
        return hash((self.owner, self.name))


class BoundSignal:
    """A signal of one object; where it has overloads, the one declared first."""

    def __init__(self, owner: InstanceWrapper, name: str) -> None:
        self.owner, self.name = owner, name
        self.signature = signals.overloads(owner._qt, name)[0]

    def connect(self, function: Callable[..., object]) -> bool:
        """Call `function` whenever the signal comes."""
        return signals.connect(_alive(self.owner, self.name), self.signature, function)

    def disconnect(self, *function: Callable[..., object]) -> bool:
        """Undo the connection of one function."""
        if not function:
            raise ValueError(f"{self.name}.disconnect() needs the function that was connected")
        return signals.disconnect(_alive(self.owner, self.name), self.signature, function[0])

    def emit(self, *arguments: object) -> None:
        """Emit the signal."""
        target = _alive(self.owner, self.name)
        if self.signature in signals.host_signals(target):
            signals.emit(target, self.signature, *unwrap_all(arguments))
        else:
            getattr(target, self.name).emit(*unwrap_all(arguments))

    __call__ = emit


class Added:
    """The functions that PythonQt adds to every object (src/PythonQtStdDecorators.h, src/PythonQtInstanceWrapper.cpp)."""

    def __init__(self, owner: InstanceWrapper) -> None:
        self._owner, self._target = owner, owner._qt

    def className(self) -> str:
        """Name of the C++ class."""
        return self._owner.spec.name

    def inherits(self, class_name: str) -> bool:
        """Whether the C++ class is, or derives from, the named one."""
        return class_name in self._owner.spec.ancestry()

    def delete(self) -> None:
        """Delete the C++ object at once."""
        shiboken6.delete(self._target)

    def help(self) -> None:
        """Print the names that the class has."""
        print("\n".join(self._owner.spec.all_names()))  # noqa: T201

    def connect(self, *arguments: Any) -> bool:
        """`connect(signal, function)` or `connect(signal, receiver, slot)`."""
        if len(arguments) == 2:
            return signals.connect(self._target, *arguments)
        signal, receiver, slot = arguments
        return signals.connect_slot(self._target, signal, unwrap(receiver), slot)

    def disconnect(self, *arguments: Any) -> bool:
        """`disconnect(signal[, function])`."""
        if not arguments:
            raise ValueError("disconnect() needs a signal")
        return signals.disconnect(self._target, *arguments)

    def parent(self) -> Any:
        """The parent object."""
        return wrap(self._target.parent())

    def setParent(self, parent: Any) -> None:
        """Give the object another parent."""
        self._target.setParent(unwrap(parent))

    def children(self) -> tuple[Any, ...]:
        """The child objects."""
        return tuple(wrap(child) for child in self._target.children())

    def findChild(self, kind: Any, name: str = "") -> Any:
        """The first descendant of a class and a name."""
        return next(iter(self.findChildren(kind, name)), None)

    def findChildren(self, kind: Any, name: str = "") -> tuple[Any, ...]:
        """All descendants of a class, given as class or by its name, and of a name where one is given."""
        class_name = kind if isinstance(kind, str) else kind.spec.name
        found = self._target.findChildren(QObject, name) if name else self._target.findChildren(QObject)
        wrapped = [wrap(child) for child in found]
        return tuple(child for child in wrapped if class_name in child.spec.ancestry())

    def property(self, name: str) -> Any:
        """The value of a property, dynamic ones included."""
        return wrap(self._target.property(name))

    def setProperty(self, name: str, value: object) -> bool:
        """Set a property, dynamic ones included."""
        return bool(self._target.setProperty(name, unwrap(value)))

    def metaObject(self) -> Any:
        """Qt's own description of the class."""
        return self._target.metaObject()

    def tr(self, text: str) -> str:
        """The translated text."""
        return str(self._target.tr(text))


_classes: dict[str, type[InstanceWrapper]] = {}


def wrapper_class(name: str) -> type[InstanceWrapper]:
    """The Python class that code sees as `qt.<name>`, `ctk.<name>` or `slicer.<name>`."""
    if name not in _classes:
        spec = spec_of(name)
        members: dict[str, Any] = {"spec": spec, "__module__": spec.module, "generated": True}
        for virtual in OVERRIDABLE:
            if hasattr(spec.pyside_class, virtual):
                members[virtual] = _base_call(spec.pyside_class, virtual)
        _classes[name] = ClassWrapper(name, (InstanceWrapper,), members)
    return _classes[name]


def is_subclassed(kind: type) -> bool:
    """Whether Python code has derived the class from a wrapped one."""
    return "generated" not in vars(kind)


def wrap(value: Any) -> Any:
    """A value from Qt as Python code sees it."""
    if isinstance(value, enum.Enum):
        return to_int(value)
    if isinstance(value, list | tuple):
        return tuple(wrap(item) for item in value)
    if not isinstance(value, shiboken6.Object):
        return value
    if type(value).__name__ in PYSIDE_GUARDS:
        return None
    known = getattr(value, "_host_wrapper", lambda: None)() if isinstance(value, QObject) else None
    if known is not None:
        return known
    wrapper_type = wrapper_class(ClassSpec.name_for(value))
    made = wrapper_type.__new__(wrapper_type)
    _bind(made, value)
    return made


def unwrap(value: Any) -> Any:
    """A value from Python code as Qt wants it."""
    if isinstance(value, InstanceWrapper):
        return _alive(value, "it")
    if isinstance(value, EnumInt):
        return value.to_qt()
    if isinstance(value, list | tuple):
        return [unwrap(item) for item in value]
    return value


def unwrap_all(values: tuple[object, ...]) -> list[Any]:
    """Several values for Qt."""
    return [unwrap(value) for value in values]


def _bind(wrapper: InstanceWrapper, target: Any) -> None:
    object.__setattr__(wrapper, "_qt", target)
    if isinstance(target, QObject):
        target._host_wrapper = weakref.ref(wrapper)  # type: ignore[attr-defined]
        if is_subclassed(type(wrapper)):
            target._host_keep = wrapper  # type: ignore[attr-defined]


def _is_alive(wrapper: InstanceWrapper) -> bool:
    target = wrapper.__dict__.get("_qt")
    return target is not None and shiboken6.isValid(target)


def _alive(wrapper: InstanceWrapper, name: str) -> Any:
    if "_qt" not in wrapper.__dict__:
        raise ValueError(f"{wrapper.spec.name}: call the base class's __init__ before using '{name}'")
    if not _is_alive(wrapper):
        raise ValueError(f"Trying to use '{name}' of a destroyed {wrapper.spec.name} object")
    return wrapper._qt


def _base_call(pyside_class: type, name: str) -> Callable[..., Any]:
    function = getattr(pyside_class, name)
    return lambda self, *arguments: wrap(function(self._qt, *unwrap_all(arguments)))


def _shell_class(kind: type, pyside_class: type) -> type:
    """A subclass of Qt's class whose virtual functions call the overrides of the Python class `kind`."""
    overridden = [name for name in OVERRIDABLE if any(name in vars(owner) for owner in kind.__mro__ if is_subclassed(owner))]

    def forward(name: str) -> Callable[..., Any]:
        def call(shell: Any, *arguments: object) -> Any:
            wrapper = getattr(shell, "_host_wrapper", lambda: None)()
            if wrapper is None:
                return getattr(pyside_class, name)(shell, *arguments)
            return unwrap(getattr(wrapper, name)(*(wrap(argument) for argument in arguments)))

        return call

    return type(kind.__name__, (pyside_class,), {name: forward(name) for name in overridden})
