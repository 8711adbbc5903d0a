"""Articles, stories and alerts as tables that readers ask: what records say, in the transaction that adds them."""

import sqlite3

from pipeline.engines.store import Entry
from pipeline.model.alert import Alert
from pipeline.model.enriched import EnrichedArticle


def save_article(connection: sqlite3.Connection, article: EnrichedArticle, seq: int, at: int) -> None:
    """The latest revision of an article, and the stories that its story has taken in with it."""
    story, origin = (article.story.id, article.story.origin) if article.story else (None, None)
    connection.execute(
        """INSERT INTO articles (id, seq, at, first, arrived, source, story, origin) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, at = excluded.at, source = excluded.source,
               story = excluded.story, origin = excluded.origin""",
        (article.id, seq, at, seq, at, article.source.id, story, origin),
    )
    for merged in article.story.merged if article.story else ():
        connection.execute("UPDATE articles SET story = ? WHERE story = ?", (story, merged))
        connection.execute("UPDATE merges SET into_story = ? WHERE into_story = ?", (story, merged))
        connection.execute("INSERT OR REPLACE INTO merges VALUES (?, ?)", (merged, story))


def save_alert(connection: sqlite3.Connection, alert: Alert, seq: int, entry: Entry) -> None:
    """The latest state of an alert."""
    is_open = alert.change not in ("resolved", "retracted") and not alert.closed
    connection.execute(
        "INSERT OR REPLACE INTO alerts (id, seq, desk, rule, open, at, value) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (alert.id, seq, alert.desk, alert.rule.id, is_open, entry.at, entry.value),
    )
