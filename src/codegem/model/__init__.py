"""Gemma 1 as pure functions of arrays; nothing here reads or writes a file.

Axis letters: B batch, T query positions, S key positions, D model, F MLP, N query heads, K key/value
heads, G query heads per key/value head, H head size, V vocabulary, L layers.
"""
