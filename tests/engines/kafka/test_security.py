"""Every client over every kind of security, against real brokers: kafka-python, aiokafka, and Faust's own settings."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from pipeline.engines.kafka import clients
from pipeline.engines.kafka.ledger import Ledger
from pipeline.engines.kafka.log import KafkaLog
from pipeline.engines.kafka.partition import Outcome, Partition, Position
from pipeline.engines.kafka.topics import set_up
from pipeline.settings import Kafka, Mechanism, SettingsError
from pipeline.stage import StateChange
from pipeline.stories.relate import Relate
from pipeline.topics import STATE
from tests.engines.toys import article
from tests.stack import certificates
from tests.stack.fixtures import begun
from tests.stack.kafka import Kafka as Broker

USER, PASSWORD = "wirewatch", "secret-of-the-test"
_PLAIN = (
    "org.apache.kafka.common.security.plain.PlainLoginModule required "
    f'username="{USER}" password="{PASSWORD}" user_{USER}="{PASSWORD}";'
)
_SCRAM = f'org.apache.kafka.common.security.scram.ScramLoginModule required username="{USER}" password="{PASSWORD}";'


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[dict[str, str]], Broker]]:
    """Starts a broker with more properties."""
    started: list[Broker] = []

    def one(more: dict[str, str]) -> Broker:
        def go() -> None:
            started.append(Broker(tmp_path_factory.mktemp("kafka"), heap="384m", more=more, scram={USER: PASSWORD}))
            started[-1].start()

        begun(go)
        return started[-1]

    yield one
    for broker in started:
        broker.stop()


def sasl(mechanism: Mechanism) -> dict[str, str]:
    """Properties of a broker that asks for a password."""
    login = _PLAIN if mechanism == "PLAIN" else _SCRAM
    return {
        "listener.security.protocol.map": "PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
        "sasl.enabled.mechanisms": mechanism,
        "sasl.mechanism.inter.broker.protocol": mechanism,
        f"listener.name.plaintext.{mechanism.lower()}.sasl.jaas.config": login,
    }


class Looking(Partition):
    """Reads the position and no change."""

    def restoring(self) -> AbstractContextManager[Callable[[StateChange], None]]:
        return nullcontext(lambda _: None)


def everything_works(given: Kafka) -> None:
    """Admin, producer and consumer of kafka-python, transactions and consumer of aiokafka."""
    assert {step.what for step in set_up(given, 35)} <= {"create", "same"}
    log = KafkaLog(given)
    try:
        log.append([article(1)], ("gazette", "1"))
        assert KafkaLog(given).cursor("gazette") == "1"
    finally:
        log.close()

    async def keep() -> int:
        ledger = Ledger(given, STATE["correlate"], 0, lambda: True)
        await ledger.open()
        await ledger.write(Outcome((), (StateChange("key", b"value"),), Position(0, 0, (-1, -1))))
        await ledger.close()
        again = Ledger(given, STATE["correlate"], 0, lambda: True)
        await again.open()
        partition = Looking(Relate())
        await again.catch_up(partition)
        await again.close()
        return partition.position.offset

    assert asyncio.run(keep()) == 0
    assert clients.faust(given)["broker"] == [f"kafka://{given.bootstrap}"]


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_password_by_sasl(mechanism: Mechanism, start: Callable[[dict[str, str]], Broker]) -> None:
    broker = start(sasl(mechanism))
    given = Kafka(bootstrap=broker.bootstrap, partitions=1, mechanism=mechanism, user=USER, password=PASSWORD)
    everything_works(given)
    broker.stop()


def test_a_wrong_password_is_one_clear_error(start: Callable[[dict[str, str]], Broker]) -> None:
    broker = start(sasl("PLAIN"))
    given = Kafka(bootstrap=broker.bootstrap, mechanism="PLAIN", user=USER, password="wrong")
    with pytest.raises(SettingsError, match=r"kafka\.bootstrap"):
        set_up(given, 35)
    broker.stop()


def test_tls_with_certificates_on_both_sides(
    start: Callable[[dict[str, str]], Broker], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("certificates")
    begun(lambda: certificates.make(folder))

    def pem(*names: str) -> str:
        return "".join((folder / name).read_text() for name in names).replace("\n", "\\n\\\n")

    more = {
        "listener.security.protocol.map": "PLAINTEXT:SSL,CONTROLLER:PLAINTEXT",
        "ssl.client.auth": "required",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.certificate.chain": pem("server.crt", "ca.crt"),
        "ssl.keystore.key": pem("server.key"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.certificates": pem("ca.crt"),
    }
    broker = start(more)
    everything_works(
        Kafka(
            bootstrap=broker.bootstrap,
            partitions=1,
            tls=True,
            ca_file=str(folder / "ca.crt"),
            certificate_file=str(folder / "client.crt"),
            key_file=str(folder / "client.key"),
        )
    )
    broker.stop()


def test_a_certificate_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    given = Kafka(bootstrap="127.0.0.1:1", tls=True, ca_file=str(tmp_path / "absent.pem"))
    with pytest.raises(SettingsError, match="certificates cannot be read"):
        clients.kafka_python(given)
