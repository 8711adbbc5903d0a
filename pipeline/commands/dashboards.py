"""`dashboards`: Kibana's data views and dashboards."""

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands.common import fail, note, settings

if TYPE_CHECKING:
    from pipeline.engines.kafka.topics import Step
    from pipeline.settings import Http

Space = Annotated[str, typer.Option("--space", metavar="NAME", help="Space of Kibana; the default one if left out.")]
Wait = Annotated[
    float, typer.Option("--wait", metavar="SECONDS", min=0, help="How long to wait for a Kibana that is starting.")
]
PATIENCE = 180.0


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Kibana's data views and dashboards: put them there, or compare.", no_args_is_help=True)
    group.command("apply")(apply)
    group.command("check")(check)
    app.add_typer(group, name="dashboards")


def apply(space: Space = "", wait: Wait = PATIENCE) -> None:
    """Create what is missing in Kibana and replace what differs. What was changed there by hand is lost: copy first.

    Where Kibana is and how to sign in is said by kibana: in wirewatch.yaml, or WIREWATCH_KIBANA_URL and so on.

    Examples:

        wirewatch dashboards apply

        WIREWATCH_KIBANA_API_KEY=… wirewatch dashboards apply --space newsroom
    """
    from pipeline.sinks import kibana

    _show(kibana.apply(_given(), space, patience=wait, say=note))


def check(space: Space = "", wait: Wait = PATIENCE) -> None:
    """Tell what in Kibana differs from wirewatch's data views and dashboards; exit code 1 if anything does.

    Examples:

        wirewatch dashboards check
    """
    from pipeline.sinks import kibana

    steps = kibana.check(_given(), space, patience=wait, say=note)
    _show(steps)
    if any(step.what != "same" for step in steps):
        fail("Kibana has not what it should have; `wirewatch dashboards apply` puts it there", 1)


def _given() -> "Http":
    given = settings().kibana
    if not given.url:
        fail("kibana.url is not set: name Kibana in wirewatch.yaml or in WIREWATCH_KIBANA_URL")
    return given


def _show(steps: "list[Step]") -> None:
    for step in steps:
        typer.echo(f"{step.what:8} {step.name}  {step.text}")
