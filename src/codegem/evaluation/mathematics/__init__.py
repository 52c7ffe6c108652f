"""Answers in words and numbers: GSM8K, MATH and TriviaQA, from the prompt to what is right."""
