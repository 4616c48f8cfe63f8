"""`python -m CardiacMTLTraining` is `cardiacmtl-train`."""

import sys

from CardiacMTLTraining.cli import main

sys.exit(main())
