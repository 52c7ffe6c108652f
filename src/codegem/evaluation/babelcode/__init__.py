"""BabelCode: one set of questions in many languages (Orlanski et al. 2023, arXiv:2302.01973)."""
