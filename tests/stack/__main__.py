"""`make stack`: a real Kafka and a real Elasticsearch on this machine until Ctrl-C, for trying things out."""

import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path

from tests.stack.elasticsearch import Elasticsearch
from tests.stack.java import StackError
from tests.stack.kafka import Kafka


def main() -> int:
    """Starts both, says how to reach them, and ends them on Ctrl-C or SIGTERM."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    folder = Path(tempfile.mkdtemp(prefix="wirewatch-stack-"))
    servers: list[Kafka | Elasticsearch] = []
    try:
        print("starting Kafka and Elasticsearch (the first time they are fetched, 140 MB) …", flush=True)
        broker = Kafka(folder / "kafka")
        servers.append(broker)
        broker.start()
        node = Elasticsearch(folder / "elasticsearch")
        servers.append(node)
        node.start()
        print(
            "they run until Ctrl-C. In another terminal:\n\n"
            f"    export WIREWATCH_KAFKA_BOOTSTRAP={broker.bootstrap} WIREWATCH_ELASTICSEARCH_URL={node.url}\n"
            "    .venv/bin/wirewatch setup\n"
            "    .venv/bin/wirewatch connect --seeds &\n"
            "    .venv/bin/wirewatch worker &\n"
            "    .venv/bin/wirewatch console\n",
            flush=True,
        )
        stop.wait()
    except StackError as error:
        print(f"wirewatch: {error}", file=sys.stderr)
        return 1
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
