"""Questions in natural language and mathematics, by lm-eval's tasks and evaluator (`docs/LANGUAGE.md`)."""

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # nothing of lm-eval or datasets goes to the network
