"""Server packages from Maven Central, by the ordinary client, kept in the user's cache folder."""

import os
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

from tests.stack.java import StackError

KAFKA = "4.1.1"
ELASTICSEARCH = "9.2.0"
LOG4J = "2.25.2"

_POM = f"""<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>wirewatch</groupId><artifactId>kafka-for-tests</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{KAFKA}</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-core</artifactId><version>{LOG4J}</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>{LOG4J}</version></dependency>
  </dependencies>
</project>
"""


def kafka_jars() -> Path:
    """Folder with the jars of a Kafka broker.

    Raises:
        StackError: they are not here and cannot be fetched.
    """
    return _once(f"kafka-{KAFKA}", _fetch_kafka)


def elasticsearch_home() -> Path:
    """Folder of an unpacked Elasticsearch; not to be written to.

    Raises:
        StackError: it is not here and cannot be fetched.
    """
    return _once(f"elasticsearch-{ELASTICSEARCH}", _fetch_elasticsearch) / f"elasticsearch-{ELASTICSEARCH}"


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "wirewatch-stack"


def _once(name: str, fetch) -> Path:  # type: ignore[no-untyped-def]
    """What `fetch` puts into a folder, fetched the first time only; whole, or not there at all."""
    folder = _cache() / name
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as made:
        into = Path(made) / "whole"
        into.mkdir()
        fetch(into)
        try:
            into.rename(folder)
        except OSError:
            if not folder.is_dir():  # another process was first
                raise
    return folder


def _fetch_kafka(into: Path) -> None:
    with tempfile.TemporaryDirectory() as project:
        (Path(project) / "pom.xml").write_text(_POM)
        _maven("dependency:copy-dependencies", f"-DoutputDirectory={into}", "-f", project)


def _fetch_elasticsearch(into: Path) -> None:
    artifact = f"org.elasticsearch.distribution.integ-test-zip:elasticsearch:{ELASTICSEARCH}:zip"
    with tempfile.TemporaryDirectory() as fetched:
        _maven("dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={fetched}")
        packed = next(Path(fetched).glob("*.zip"))
        with zipfile.ZipFile(packed) as archive:
            archive.extractall(into)
    for script in into.glob("*/bin/*"):
        script.chmod(0o755)


def _maven(*arguments: str) -> None:
    command = shutil.which("mvn")
    if command is None:
        raise StackError("no Maven (`mvn`) to fetch Kafka and Elasticsearch with: install it, or name servers")
    try:
        done = subprocess.run([command, "-q", "-B", *arguments], capture_output=True, text=True, timeout=600)
    except subprocess.TimeoutExpired:
        raise StackError("fetching Kafka and Elasticsearch took over ten minutes") from None
    if done.returncode:
        raise StackError(f"Maven could not fetch the servers: {(done.stdout + done.stderr).strip()[-300:]}")
