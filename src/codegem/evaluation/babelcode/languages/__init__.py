"""The languages that answers are judged in: how each is called with values, and how it tells what came back."""
