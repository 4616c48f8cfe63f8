"""`python -m CardiacMTLLib` is `cardiacmtl`."""

from CardiacMTLLib.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
