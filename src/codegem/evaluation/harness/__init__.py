"""What runs inside the sandbox when Python is judged: one process that holds the test, one that holds the program.

These modules import the standard library only, and little of that: each judgement starts them anew.
"""
