"""Questions in natural language and mathematics, by lm-eval's tasks and evaluator (`docs/LANGUAGE.md`)."""
