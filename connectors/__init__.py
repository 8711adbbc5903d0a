"""Sources of articles."""
