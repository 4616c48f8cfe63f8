"""Qt behaves here as it was seen to behave under PythonQt, not as under PySide6."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

pytest.importorskip("PySide6.QtWidgets", reason="needs PySide6", exc_type=ImportError)
pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)


@pytest.fixture
def qt(slicer_host: Any) -> Any:
    import qt

    yield qt
    slicer_host.slot_errors.clear()
    slicer_host.dialogs.forget()


@pytest.fixture
def ctk(slicer_host: Any) -> Any:
    import ctk

    return ctk


def test_properties_are_attributes_and_calling_one_is_a_type_error(qt: Any) -> None:
    button = qt.QPushButton("Run")
    assert (button.text, button.enabled, button.objectName) == ("Run", True, "")
    with pytest.raises(TypeError):
        button.text()
    assert button.isEnabled()
    button.name = "runButton"
    assert button.objectName == "runButton"


@pytest.mark.parametrize("name", ["rowCount", "columnCount", "toolTip", "width", "size"])
def test_what_is_a_property_is_no_method(qt: Any, name: str) -> None:
    with pytest.raises(TypeError):
        getattr(qt.QTableWidget(), name)()


def test_values_that_are_no_objects_keep_methods(qt: Any) -> None:
    table = qt.QTableWidget(1, 1)
    table.setItem(0, 0, qt.QTableWidgetItem("a"))
    assert table.item(0, 0).text() == "a"
    assert table.size.width() == table.width
    assert qt.QVBoxLayout().count() == 0
    assert qt.QColor(10, 20, 30).red() == 10


def test_strings_and_numbers_are_converted_in_silence(qt: Any) -> None:
    label, spin = qt.QLabel(), qt.QSpinBox()
    label.setText(5)
    assert label.text == "5"
    label.text = None
    assert label.text == "None"
    label.setToolTip(3)
    assert label.toolTip == "3"
    spin.setValue(3.7)
    assert spin.value == 3
    spin.value = 5.9
    assert spin.value == 5
    with pytest.raises(AttributeError, match="does not accept"):
        spin.value = "many"
    with pytest.raises(ValueError, match="matching overload"):
        spin.setValue("many")


def test_lists_come_back_as_tuples_and_a_lone_string_falls_into_letters(slicer_host: Any) -> None:
    import slicer

    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = ["vtkMRMLTextNode"]
    assert selector.nodeTypes == ("vtkMRMLTextNode",)
    selector.nodeTypes = "abc"
    assert selector.nodeTypes == ("a", "b", "c")


def test_no_keyword_arguments(qt: Any) -> None:
    with pytest.raises(ValueError, match="keyword"):
        qt.QPushButton(text="Run")
    with pytest.raises(ValueError, match="keyword"):
        qt.QPushButton().setText(text="Run")


def test_new_attributes_only_on_python_subclasses(qt: Any) -> None:
    with pytest.raises(AttributeError, match="creating new attributes"):
        qt.QWidget().myState = 1
    with pytest.raises(AttributeError, match="overwritten"):
        qt.QPushButton().setText = 1
    with pytest.raises(AttributeError, match="not writable"):
        qt.QComboBox().count = 1

    class Mine(qt.QWidget):
        pass

    mine = Mine()
    mine.myState = 1
    assert mine.myState == 1


def test_classes_do_not_inherit_in_python_but_tell_by_inherits(qt: Any) -> None:
    button = qt.QPushButton()
    assert not isinstance(button, qt.QWidget)
    assert type(button) is qt.QPushButton
    assert button.inherits("QWidget")
    assert not button.inherits("QLabel")
    assert button.className() == "QPushButton"


def test_enum_values_live_on_the_class_and_act_as_integers(qt: Any) -> None:
    assert qt.Qt.AlignLeft == 1
    assert isinstance(qt.Qt.AlignLeft, int)
    label = qt.QLabel("a")
    label.setAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
    assert label.alignment == 0x82
    label.alignment = qt.Qt.AlignCenter
    assert label.alignment & qt.Qt.AlignHCenter
    with pytest.raises(AttributeError):
        _ = qt.Qt.AlignNowhere


def test_signature_strings_are_checked_against_the_class(qt: Any, capsys: Any) -> None:
    button, heard = qt.QPushButton(), []
    assert button.connect("clicked(bool)", heard.append) is True
    assert button.connect("clicked( bool )", lambda: heard.append("trimmed")) is True
    assert button.connect("nodeChanged(int)", heard.append) is False
    assert "no signal nodeChanged(int)" in capsys.readouterr().err
    button.click()
    assert heard == [False, "trimmed"]


def test_functions_receive_as_many_arguments_as_they_declare(qt: Any) -> None:
    button, heard = qt.QPushButton(), []

    class Listener:
        def none(self) -> None:
            heard.append("none")

        def one(self, checked: bool = True) -> None:
            heard.append(("one", checked))

        def __call__(self, *everything: object) -> None:
            heard.append(("all", *everything))

    listener = Listener()
    for function in (listener.none, listener.one, listener, partial(listener, "x")):
        button.clicked.connect(function)
    button.click()
    assert heard == ["none", ("one", False), ("all", False), ("all", "x", False)]


def test_disconnecting_needs_the_function(qt: Any) -> None:
    button, heard = qt.QPushButton(), []
    button.clicked.connect(heard.append)
    with pytest.raises(ValueError, match="needs"):
        button.clicked.disconnect()
    with pytest.raises(ValueError, match="needs"):
        button.disconnect()
    assert button.clicked.disconnect(heard.append) is True
    assert button.clicked.disconnect(heard.append) is False
    button.connect("clicked()", heard.append)
    assert button.disconnect("clicked()") is True
    button.click()
    assert heard == []


def test_a_signal_can_be_wired_to_a_slot_by_signature(qt: Any) -> None:
    check, label = qt.QCheckBox(), qt.QLabel()
    assert check.connect("toggled(bool)", label, "setDisabled(bool)")
    check.checked = True
    assert not label.enabled
    assert check.connect("toggled(bool)", label, "noSlot(bool)") is False


def test_an_exception_in_a_slot_is_printed_and_kept_but_not_raised(qt: Any, slicer_host: Any, capsys: Any) -> None:
    button = qt.QPushButton()
    button.clicked.connect(lambda: 1 / 0)
    button.click()
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert [type(error) for error in slicer_host.slot_errors] == [ZeroDivisionError]


def test_an_unparented_object_ends_with_its_last_name_and_a_parent_keeps_it(qt: Any) -> None:
    parent, ended = qt.QWidget(), []
    lonely = qt.QTimer()
    lonely.connect("destroyed()", lambda: ended.append("timer"))
    del lonely
    assert ended == ["timer"]
    layout = qt.QVBoxLayout()
    label = qt.QLabel("kept")
    label.name = "kept"
    layout.addWidget(label)
    parent.setLayout(layout)
    del label, layout
    assert parent.findChild(qt.QLabel, "kept").text == "kept"
    assert parent.kept is parent.findChild("QLabel", "kept")


def test_a_deleted_object_is_false_but_not_none_and_raises(qt: Any) -> None:
    label = qt.QLabel("a")
    label.delete()
    assert not label
    assert label is not None
    with pytest.raises(ValueError, match="destroyed"):
        _ = label.text
    with pytest.raises(ValueError, match="destroyed"):
        label.setText("b")


def test_qt_calls_overrides_of_its_own_classes_but_not_of_ctk(qt: Any, ctk: Any, slicer_host: Any) -> None:
    seen = []

    class Bars(qt.QWidget):
        def paintEvent(self, event: Any) -> None:
            super().paintEvent(event)
            painter = qt.QPainter(self)
            painter.fillRect(0, 0, 5, 5, qt.QColor(255, 0, 0))
            painter.end()
            seen.append("paint")

        def sizeHint(self) -> Any:
            return qt.QSize(20, 10)

    class Fold(ctk.ctkCollapsibleButton):
        def showEvent(self, event: Any) -> None:
            seen.append("never")

    bars, fold = Bars(), Fold()
    assert bars.grab().toImage().pixelColor(2, 2).red() == 255
    fold.show()
    assert "paint" in seen
    assert "never" not in seen


def test_dialogs_return_the_answer_put_ready_and_no_pairs(qt: Any, ctk: Any, slicer_host: Any) -> None:
    slicer_host.dialogs.answers.extend(["/data/model.zip", qt.QMessageBox.Yes])
    assert qt.QFileDialog.getOpenFileName(None, "Model", "", "*.zip") == "/data/model.zip"
    box = ctk.ctkMessageBox()
    box.text = "Sure?"
    assert box.exec_() == qt.QMessageBox.Yes
    assert box.exec_() == 0
    assert [asked.text for asked in slicer_host.dialogs.asked][-1] == "Sure?"


def test_settings_processes_and_timers_work(qt: Any, wait_until: Any) -> None:
    qt.QSettings().setValue("CardiacMTL/Device", "cpu")
    assert qt.QSettings().value("CardiacMTL/Device") == "cpu"
    process, heard = qt.QProcess(), []
    environment = qt.QProcessEnvironment.systemEnvironment()
    environment.insert("GREETING", "hello")
    process.setProcessEnvironment(environment)
    process.connect("readyReadStandardOutput()", lambda: heard.append(process.readAllStandardOutput().data()))
    process.connect("finished(int,QProcess::ExitStatus)", lambda code, status: heard.append((code, status)))
    process.connect("errorOccurred(QProcess::ProcessError)", heard.append)
    process.start("/bin/sh", ["-c", "printf $GREETING"])
    wait_until(lambda: len(heard) == 2, 10)
    assert heard == [b"hello", (0, qt.QProcess.NormalExit)]
    qt.QTimer.singleShot(0, lambda: heard.append("tick"))
    wait_until(lambda: heard[-1] == "tick", 5)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda qt: qt.QPushButton(), "setLabel"),
        (lambda qt: qt.QPushButton(), "staticMetaObject"),
        (lambda qt: qt.QObject(), "sender"),
        (lambda qt: qt.QWidget(), "paintEvent_"),
        (lambda qt: qt.QDate(2026, 1, 2), "toPython"),
    ],
)
def test_a_name_that_the_real_class_lacks_is_refused(qt: Any, make: Any, name: str) -> None:
    with pytest.raises(AttributeError, match="not in the real API"):
        getattr(make(qt), name)


def test_a_class_that_is_not_in_the_tables_is_refused(qt: Any, ctk: Any) -> None:
    for module, name in ((qt, "QQuickWidget"), (qt, "Signal"), (ctk, "ctkNothing")):
        with pytest.raises(AttributeError, match="tables"):
            getattr(module, name)
