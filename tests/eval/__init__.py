"""Measures what is read in labelled articles: `python -m tests.eval --help`."""
