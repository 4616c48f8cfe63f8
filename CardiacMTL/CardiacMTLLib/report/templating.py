"""`render`: a template of this folder with escaping, and `css_string`: a text inside a style sheet."""

from __future__ import annotations

from pathlib import Path

from CardiacMTLLib.errors import MissingPackageError

TEMPLATES = Path(__file__).with_name("templates")


def render(template: str, **values: object) -> str:
    """The page that `template` makes of `values`, every text in it escaped. Raises `MissingPackageError` without Jinja2."""
    try:
        import jinja2  # noqa: PLC0415 - optional
    except ImportError as error:
        raise MissingPackageError(
            f"the report needs the package jinja2, which cannot be imported ({error}); install jinja2"
        ) from error
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)


def css_string(text: str) -> str:
    """`text` as a string of CSS in which nothing but ASCII letters and digits stands as it is."""
    safe = (c if c.isascii() and c.isalnum() else f"\\{ord(c):06x}" for c in text)
    return f'"{"".join(safe)}"'
