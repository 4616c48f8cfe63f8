"""The Qt classes that scripted modules may use here, each with the public Qt header that declares it.

Qt's own classes need no list of members: PythonQt's generated wrappers publish the public methods, properties, signals and
enums of each (github.com/MeVisLab/pythonqt, generator/typesystem_*.xml and src/PythonQtClassInfo.cpp), and PySide6 knows the
same ones from the same headers. What PySide6 adds, and what C++ keeps protected, is named below and refused.
"""

from __future__ import annotations

_CORE = """
Qt QObject QCoreApplication QTimer QElapsedTimer QEventLoop QEvent QProcess QProcessEnvironment QByteArray QFile QFileInfo
QDir QIODevice QStandardPaths QSettings QUrl QLocale QDateTime QDate QTime QPoint QPointF QRect QRectF QSize QSizeF QLine
QLineF QAbstractItemModel QModelIndex QItemSelectionModel QSortFilterProxyModel
"""

_GUI = """
QIcon QPixmap QImage QPainter QPainterPath QColor QPen QBrush QFont QFontMetrics QPalette QPolygon QPolygonF QLinearGradient
QCursor QKeySequence QShortcut QAction QDesktopServices QClipboard QScreen QStandardItem QStandardItemModel QTextDocument
QTextCursor QMouseEvent QPaintEvent QResizeEvent QShowEvent QHideEvent QCloseEvent QKeyEvent QWheelEvent QHelpEvent
QFocusEvent QDoubleValidator
"""

_WIDGETS = """
QApplication QWidget QFrame QLabel QAbstractButton QPushButton QToolButton QCheckBox QRadioButton QButtonGroup QComboBox
QSpinBox QDoubleSpinBox QLineEdit QTextEdit QTextBrowser QPlainTextEdit QProgressBar QSlider QTableWidget QTableWidgetItem
QTableView QHeaderView QListWidget QListWidgetItem QGroupBox QTabWidget QTabBar QScrollArea QScrollBar QSplitter
QStackedWidget QLayout QBoxLayout QVBoxLayout QHBoxLayout QGridLayout QFormLayout QLayoutItem QSpacerItem QSizePolicy
QDialog QDialogButtonBox QMessageBox QFileDialog QInputDialog QProgressDialog QMainWindow QDockWidget QStatusBar QMenu
QMenuBar QToolBar QStyle QToolTip QAbstractItemView
"""

QT_CLASSES = {
    **{name: f"QtCore/{name}" for name in _CORE.split()},
    **{name: f"QtGui/{name}" for name in _GUI.split()},
    **{name: f"QtWidgets/{name}" for name in _WIDGETS.split()},
    "QUiLoader": "QtUiTools/QUiLoader",
}
"""Class -> public header of Qt 6 that declares it."""

PYSIDE_ONLY = frozenset({"staticMetaObject", "emit", "toTuple", "toPython", "__feature__"})
"""Names on PySide6's classes that neither C++ nor PythonQt has."""

PYSIDE_GUARDS = frozenset({"QOverrideCursorGuard"})
"""Context managers that PySide6 returns from functions that return nothing in C++."""

PROTECTED = frozenset(
    {
        *("sender", "senderSignalIndex", "receivers", "isSignalConnected", "connectNotify", "disconnectNotify"),
        *("timerEvent", "childEvent", "customEvent", "paintEvent", "resizeEvent", "showEvent", "hideEvent", "closeEvent"),
        *("changeEvent", "mousePressEvent", "mouseReleaseEvent", "mouseMoveEvent", "mouseDoubleClickEvent"),
        *("enterEvent", "leaveEvent", "keyPressEvent", "keyReleaseEvent", "wheelEvent", "focusInEvent"),
        *("focusOutEvent", "contextMenuEvent", "initPainter", "sharedPainter", "metric", "initStyleOption"),
        *("drawFrame", "setViewportMargins"),
    }
)
"""C++ keeps these for subclasses: they may be overridden in Python and called there by `super()`, but not from outside."""

OVERRIDABLE = (
    *("event", "eventFilter", "paintEvent", "resizeEvent", "showEvent", "hideEvent", "closeEvent", "changeEvent"),
    *("mousePressEvent", "mouseReleaseEvent", "mouseMoveEvent", "mouseDoubleClickEvent", "enterEvent", "leaveEvent"),
    *("keyPressEvent", "keyReleaseEvent", "wheelEvent", "focusInEvent", "focusOutEvent"),
    *("sizeHint", "minimumSizeHint", "heightForWidth", "accept", "reject", "done"),
)
"""Virtual methods that Qt calls on Python subclasses of Qt's classes."""

PYTHONQT_ADDED = frozenset(
    {
        *("className", "inherits", "delete", "help"),  # src/PythonQtInstanceWrapper.cpp
        *(
            "connect",
            "disconnect",
            "parent",
            "setParent",
            "children",
            "findChild",
            "findChildren",
        ),  # src/PythonQtStdDecorators.h
        *("property", "setProperty", "metaObject", "tr"),
    }
)
"""What PythonQt adds to every object."""
