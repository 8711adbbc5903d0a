"""One Kafka broker (KRaft) on free ports."""

import base64
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path

from tests.stack.artifacts import kafka_jars
from tests.stack.java import StackError, java_home
from tests.stack.process import Node, Server, answers, free_port


class Kafka(Node):
    """A broker whose data lie in a folder; it can be killed and started again on the same data and port."""

    def __init__(
        self,
        folder: Path,
        *,
        heap: str = "768m",
        more: Mapping[str, str] | None = None,
        scram: Mapping[str, str] | None = None,
        behind_proxy: bool = False,
    ) -> None:
        """`more`: properties beside those needed, e.g. for SASL; `scram`: users and their passwords.

        With `behind_proxy` a second listener tells clients to come by the port `advertised`, where a proxy that passes
        on to `inner` is to be.
        """
        self.folder = folder
        self.port, controller = free_port(), free_port()
        self.inner, self.advertised = free_port(), free_port()
        wired = f",WIRED://127.0.0.1:{self.inner}" if behind_proxy else ""
        told = f",WIRED://127.0.0.1:{self.advertised}" if behind_proxy else ""
        self.bootstrap = f"127.0.0.1:{self.port}"
        folder.mkdir(parents=True, exist_ok=True)
        properties = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.bootstrap.servers": f"127.0.0.1:{controller}",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{controller}{wired}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}{told}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,WIRED:PLAINTEXT",
            "inter.broker.listener.name": "PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": str(folder / "data"),
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "4",
            "group.initial.rebalance.delay.ms": "0",
            "group.coordinator.rebalance.protocols": "classic,consumer",
            "auto.create.topics.enable": "false",
            "message.max.bytes": str(5 * 1024 * 1024),
            "log.retention.check.interval.ms": "1000",
        } | dict(more or {})
        self._properties = folder / "server.properties"
        self._properties.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))
        logging = folder / "log4j2.xml"
        logging.write_text(_LOGGING)
        self._java = [
            str(java_home() / "bin" / "java"),
            f"-Xmx{heap}",
            f"-Xms{heap}",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            f"-Dlog4j2.configurationFile={logging}",
            "-cp",
            f"{kafka_jars()}/*",
        ]
        self._format(scram or {})
        self._server = Server(
            [*self._java, "kafka.Kafka", str(self._properties)], folder / "kafka.log", lambda: answers(self.port)
        )

    def _format(self, scram: Mapping[str, str]) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")
        command = [*self._java, "kafka.tools.StorageTool", "format", "--standalone", "-t", cluster]
        command += ["-c", str(self._properties)]
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
            for name, password in scram.items():
                command += ["--add-scram", f"{mechanism}=[name={name},password={password}]"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise StackError(f"Kafka's storage cannot be formatted: {(done.stdout + done.stderr)[-500:]}")


_LOGGING = """<Configuration status="warn">
  <Appenders><Console name="out"><PatternLayout pattern="%d %p %c{1}: %m%n"/></Console></Appenders>
  <Loggers><Root level="warn"><AppenderRef ref="out"/></Root></Loggers>
</Configuration>
"""
