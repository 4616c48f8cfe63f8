"""What a browser would find on a page, for the tests of reports: elements, words, and what the page would load."""

from __future__ import annotations

import re
from html.parser import HTMLParser

VOID = {"meta", "img", "br", "hr", "link", "input"}

_LOADING = {"src", "href", "srcset", "data", "poster", "action", "formaction", "background", "cite", "xlink:href", "manifest"}


class Page(HTMLParser):
    """Elements with their attributes, the words between them, styles and scripts; every element is closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.styles: list[str] = []
        self.scripts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        inside = self._open[-1] if self._open else ""
        {"style": self.styles, "script": self.scripts}.get(inside, self.words).append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def loads(self) -> list[str]:
        """Addresses that a browser would fetch or go to, those within the page and in `data:` excepted."""
        found = [
            value or ""
            for tag, attributes in self.elements
            for name, value in attributes.items()
            if name in _LOADING and not (tag == "a" and (value or "").startswith("./"))
        ]
        found += re.findall(r"url\(\s*['\"]?([^'\")]*)", " ".join(self.styles))
        found += re.findall(r"@import[^;]*", " ".join(self.styles))
        found += [str(meta) for meta in self.all("meta") if (meta.get("http-equiv") or "").lower() == "refresh"]
        return [address for address in found if not address.startswith(("data:", "#"))]
