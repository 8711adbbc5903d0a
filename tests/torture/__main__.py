"""`make torture`: every fault, many times, with a table at the end. Exit code 1 where anything was lost or doubled."""

import argparse
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.torture import faults
from tests.torture.faults import Fault, Outcome

FAULTS: dict[str, tuple[Fault, Fault]] = {
    "no fault": (faults.nothing(), faults.nothing()),
    "workers killed": (faults.kill_workers(4), faults.kill_workers(50)),
    "connector killed": (faults.kill_connector(3), faults.kill_connector(20)),
    "wirewatch connect killed": (faults.kill_connector(3, connects=True), faults.kill_connector(20, connects=True)),
    "broker killed": (faults.kill_broker(1), faults.kill_broker(5)),
    "broker hangs": (faults.hang_broker(1), faults.hang_broker(3)),
    "network cut": (faults.cut_network(2), faults.cut_network(10)),
    "workers come and go": (faults.workers_come_and_go(1), faults.workers_come_and_go(5)),
    "rolling restart": (faults.roll_workers(1), faults.roll_workers(5)),
    "poison messages": (faults.poison_messages(1), faults.poison_messages(4)),
    "history trimmed": (faults.trim_history(1), faults.trim_history(5)),
    "elasticsearch down": (faults.lose_elasticsearch(1, 10), faults.lose_elasticsearch(2, 120)),
    "disk full": (faults.fill_disk(1), faults.fill_disk(5)),
}
"""By name: as done with --quick, and as done without."""


def main() -> int:
    """Runs the faults that are asked for; 1 where one did harm."""
    parser = argparse.ArgumentParser(prog="make torture", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="each fault once or twice, 200 articles")
    parser.add_argument("--only", help=f"one of: {', '.join(FAULTS)}")
    parser.add_argument("--articles", type=int, help="deliveries a fault (2,000; 200 with --quick)")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    if asked.only and asked.only not in FAULTS:
        parser.error(f"--only: there is {', '.join(FAULTS)}")
    count = asked.articles or (200 if asked.quick else 2000)
    console = Console(width=None if sys.stdout.isatty() else 110)
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        for name in [asked.only] if asked.only else list(FAULTS):
            console.print(f"{name} …")
            fault = FAULTS[name][0 if asked.quick else 1]
            outcomes.append(faults.run(name, fault, count, asked.seed, Path(folder)))
    console.print(_table(outcomes))
    return 0 if all(outcome.clean for outcome in outcomes) else 1


def _table(outcomes: list[Outcome]) -> Table:
    table = Table()
    for column in ("fault", "times", "delivered", "lost", "doubled", "different", "dead", "alerts", "seconds"):
        table.add_column(column, justify="left" if column == "fault" else "right")
    for o in outcomes:
        numbers = (o.times, o.delivered, o.lost, o.duplicates, o.different, o.dead, o.alerts, round(o.seconds))
        table.add_row(o.fault, *(f"{number:,}" for number in numbers))
    return table


if __name__ == "__main__":
    sys.exit(main())
