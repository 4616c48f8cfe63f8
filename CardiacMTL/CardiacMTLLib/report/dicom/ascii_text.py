"""`ascii_text`: our own sentences in the characters that every DICOM character set has."""

from __future__ import annotations

import unicodedata

_SPELLED = str.maketrans(
    {
        "\u2013": "-",
        "\u2014": "-",
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u00d7": "x",
        "\u00b0": " degrees",
        "\u00b1": "+/-",
        "\u2264": "<=",
        "\u2265": ">=",
        "\u03c3": "sigma",
    }
)


def ascii_text(text: str) -> str:
    """`text` in ASCII: signs are spelled out, marks fall off letters, what is left becomes a question mark.

    A DICOM object states one character set for all its texts. That of the source stays, so that names need no conversion, and
    what we add must be in it, whichever it is.
    """
    plain = unicodedata.normalize("NFKD", text.translate(_SPELLED))
    return "".join(sign for sign in plain if not unicodedata.combining(sign)).encode("ascii", "replace").decode("ascii")
