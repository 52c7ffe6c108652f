"""`python -m codegem`, the same as `codegem`."""

import sys

from codegem.cli import main

sys.exit(main())
