"""`without_folders`: a message for a reader, without the folders that name a computer, its user, or a patient."""

from __future__ import annotations

import re

_FOLDERS = re.compile(
    r"""
    (?<![^\s'"(=])           # at the beginning of a word, a quotation or a bracket
    (?:[A-Za-z]:|~)?[\\/]    # an absolute path begins: /, \, C:\, ~/
    (?:(?:(?!:\ |;\ )[^\\/\n])*[\\/])*  # and goes on to its last separator
    """,
    re.VERBOSE,
)


def without_folders(text: str) -> str:
    """`text` with absolute paths cut down to the name of the file.

    A folder's name may hold spaces and commas, so that words between two paths of one clause are lost with them: too much is
    cut rather than too little.
    """
    return _FOLDERS.sub("", text)
