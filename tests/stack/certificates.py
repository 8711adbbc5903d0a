"""A certificate authority and certificates for 127.0.0.1, made by openssl for one run."""

import shutil
import subprocess
from pathlib import Path

from tests.stack.java import StackError


def make(folder: Path) -> Path:
    """Makes ca.crt, server.crt, server.key, client.crt and client.key in a folder; the folder.

    Raises:
        StackError: there is no openssl.
    """
    if shutil.which("openssl") is None:
        raise StackError("no openssl to make certificates with")
    folder.mkdir(parents=True, exist_ok=True)

    def run(*arguments: str) -> None:
        done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise StackError(f"openssl {arguments[0]}: {done.stderr[-300:]}")

    key = ("-newkey", "rsa:2048", "-nodes")
    run("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=test authority")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    for name in ("server", "client"):
        run("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        signing = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
        run("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.crt", *signing)
    return folder
