"""`setup`: makes or checks what the servers must have."""

from typing import Annotated

import typer

from pipeline.commands.common import fail, rule_set, settings


def register(app: typer.Typer) -> None:
    app.command()(setup)


def setup(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
) -> None:
    """Create what is missing on Kafka and Elasticsearch, and check the rest; nothing is ever altered or removed.

    Topics, the rules on their topic, index templates and aliases. Run it again after an upgrade or when rules change.

    Examples:

        wirewatch setup --dry-run

        wirewatch setup
    """
    import asyncio

    from pipeline.engines.kafka.rules import publish
    from pipeline.engines.kafka.topics import set_up

    given = settings()
    if not given.kafka.bootstrap:
        fail("kafka.bootstrap is not set: name the broker in wirewatch.yaml or in WIREWATCH_KAFKA_BOOTSTRAP")
    rules = rule_set(given)
    steps = set_up(given.kafka, given.retention_days, dry_run=dry_run)
    for step in steps:
        typer.echo(f"{step.what:8} {step.name}  {step.text}".rstrip())
    if any(step.what == "refused" for step in steps):
        fail("some topics cannot be used as they are; nothing was altered", 1)
    if not dry_run:
        changed = asyncio.run(publish(given.kafka, rules))
        typer.echo(f"rules    {len(rules)} published, {len(changed)} of them new or changed")
