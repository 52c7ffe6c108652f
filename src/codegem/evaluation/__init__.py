"""Judging models: tasks, verdicts, reports. It knows sources of text (`codegem.generate`), and no engine."""
