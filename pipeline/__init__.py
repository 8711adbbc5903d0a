"""wirewatch: from article to alert."""
