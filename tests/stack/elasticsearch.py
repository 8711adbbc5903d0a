"""One Elasticsearch node on a free port, its data in a folder of its own."""

import atexit
import os
import pwd
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.stack.artifacts import elasticsearch_home
from tests.stack.java import StackError, java_home
from tests.stack.process import Node, Server, free_port

USER = "nobody"
"""Whom it runs as where the tests are root, which Elasticsearch refuses to be."""


class Elasticsearch(Node):
    """A node that can be stopped and started again on the same data and port.

    Args:
        folder: of everything it writes; where it cannot run as this user, of its log.
        users: name -> (password, roles): with any, security is on.
        roles: the text of roles.yml.
    """

    def __init__(
        self,
        folder: Path,
        *,
        heap: str = "512m",
        users: Mapping[str, tuple[str, Sequence[str]]] | None = None,
        roles: str = "",
    ) -> None:
        user = USER if os.geteuid() == 0 else None
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = _reachable() if user else folder
        self.port, transport = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        home = self.folder / "home"
        shutil.copytree(elasticsearch_home(), home, symlinks=True, copy_function=_link)
        config = home / "config"
        options = config / "jvm.options"
        lines = [line for line in options.read_text().splitlines() if "jdk.incubator.vector" not in line]
        _replace(options, "\n".join(lines) + "\n")  # the runtime in the wheel lacks that module
        settings = {
            "discovery.type": "single-node",
            "http.host": "127.0.0.1",
            "http.port": str(self.port),
            "transport.host": "127.0.0.1",
            "transport.port": str(transport),
            "path.data": str(self.folder / "data"),
            "path.logs": str(self.folder / "logs"),
            "cluster.routing.allocation.disk.threshold_enabled": "false",
            "xpack.security.enabled": "true" if users else "false",
            "xpack.security.http.ssl.enabled": "false",
            "action.auto_create_index": "false",
        }
        _replace(config / "elasticsearch.yml", "".join(f"{key}: {value}\n" for key, value in settings.items()))
        if roles:
            _replace(config / "roles.yml", roles)
        environment = {
            "ES_JAVA_HOME": str(java_home()),
            "ES_JAVA_OPTS": f"-Xms{heap} -Xmx{heap} -XX:TieredStopAtLevel=1",
        }
        for name, (password, given) in (users or {}).items():
            done = subprocess.run(
                [home / "bin" / "elasticsearch-users", "useradd", name, "-p", password, "-r", ",".join(given)],
                capture_output=True,
                text=True,
                env=dict(os.environ) | environment,
                timeout=60,
            )
            if done.returncode:
                raise StackError(f"Elasticsearch takes no user {name}: {(done.stdout + done.stderr)[-300:]}")
        if user:
            _hand_over(self.folder, user)
        self._server = Server(
            [home / "bin" / "elasticsearch"],
            folder / "elasticsearch.log",
            self._ready,
            environment=environment,
            user=user,
        )

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_cluster/health?wait_for_status=yellow&timeout=1s", timeout=3):
                return True
        except urllib.error.HTTPError as error:
            return error.code == 401
        except OSError:
            return False


def _link(source: str, target: str) -> None:
    """A hard link where the file system allows it: the jars are not copied once a test."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _replace(path: Path, text: str) -> None:
    """Writes a file anew, so that what it was linked to keeps its text."""
    path.unlink(missing_ok=True)
    path.write_text(text)


def _reachable() -> Path:
    """A folder that another user can get into, gone with this process.

    Those that pytest gives cannot be: every run of it that starts shuts the folder above them to other users.
    """
    folder = Path(tempfile.mkdtemp(prefix="wirewatch-elasticsearch-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _hand_over(folder: Path, user: str) -> None:
    """Gives a folder to a user, except for the files that are links into the cache."""
    entry = pwd.getpwnam(user)
    for path in (folder, *folder.rglob("*")):
        if path.is_dir() or path.stat().st_nlink == 1:
            os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)
