"""A connector as a process that can be killed: delivers from its cursor on, and ends when all is acknowledged.

python -m tests.torture.feeder BOOTSTRAP COUNT SEED
"""

import sys
import time
from collections.abc import Sequence

from kafka.errors import KafkaError

from pipeline.engines.errors import StoreUnavailableError
from pipeline.engines.kafka.log import KafkaLog
from pipeline.model.article import Article
from pipeline.settings import Kafka
from tests.torture.material import hostile_articles

SOURCE = "torture"
BATCH = 20


def main(bootstrap: str, count: int, seed: int) -> None:
    """Delivers `count` articles in batches; a batch that is not acknowledged is delivered again."""
    articles = list(hostile_articles(count, seed))
    while True:
        try:
            _deliver(KafkaLog(Kafka(bootstrap=bootstrap)), articles)
        except (StoreUnavailableError, KafkaError):  # no broker just now
            time.sleep(0.5)
        else:
            return


def _deliver(log: KafkaLog, articles: Sequence[Article]) -> None:
    try:
        start = int(log.cursor(SOURCE) or 0)
        while start < len(articles):
            batch = articles[start : start + BATCH]
            start += len(batch)
            log.append(batch, (SOURCE, str(start)))
            time.sleep(0.2)
    finally:
        log.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
