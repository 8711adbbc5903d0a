"""`setup`: makes or checks what the servers must have."""

from typing import Annotated

import typer

from pipeline.commands.common import fail, note, rule_set, settings
from pipeline.commands.dashboards import PATIENCE


def register(app: typer.Typer) -> None:
    app.command()(setup)


def setup(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    drop_old: Annotated[
        bool, typer.Option("--drop-old", help="Drop indices of months that are past the retention.")
    ] = False,
) -> None:
    """Create what is missing on Kafka, Elasticsearch and Kibana, and check the rest; nothing that differs is altered.

    Topics, the rules on their topic, index templates and aliases, and, where kibana.url is set, data views and
    dashboards. Run it again after an upgrade or when rules change. Without --drop-old nothing is ever removed.

    Examples:

        wirewatch setup --dry-run

        wirewatch setup

        wirewatch setup --drop-old
    """
    import asyncio

    from pipeline.engines.kafka.rules import publish
    from pipeline.engines.kafka.topics import set_up

    given = settings()
    if not given.kafka.bootstrap:
        fail("kafka.bootstrap is not set: name the broker in wirewatch.yaml or in WIREWATCH_KAFKA_BOOTSTRAP")
    rules = rule_set(given)
    steps = set_up(given.kafka, given.retention_days, dry_run=dry_run)
    if given.elasticsearch.url:
        from pipeline.sinks.elasticsearch import setup as indices

        steps += indices.set_up(given.elasticsearch, given.retention_days, drop=drop_old, dry_run=dry_run)
    if given.kibana.url:
        from pipeline.sinks import kibana

        if dry_run:
            steps += kibana.check(given.kibana, patience=PATIENCE, say=note)
        else:
            steps += kibana.apply(given.kibana, patience=PATIENCE, say=note, replace=False)
    for step in steps:
        typer.echo(f"{step.what:8} {step.name}  {step.text}".rstrip())
    if any(step.what == "refused" for step in steps):
        fail("what is refused cannot be used as it is, and was not altered", 1)
    if not dry_run:
        changed = asyncio.run(publish(given.kafka, rules))
        typer.echo(f"rules    {len(rules)} published, {len(changed)} of them new or changed")
