"""A mail server on a free loopback port that knows as much IMAP as a reader of one folder needs."""

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

USER, PASSWORD = "wire", "let me in"


class Mailbox(socketserver.ThreadingTCPServer):
    """Messages by UID; `seen` are those marked as read."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.messages: dict[int, bytes] = {}
        self.seen: set[int] = set()
        self.validity = 1
        self.fails: str | None = None
        """A command that is answered NO."""

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def put(self, message: bytes) -> int:
        """Adds a message; its UID."""
        uid = max(self.messages, default=0) + 1
        self.messages[uid] = message
        return uid


class _Handler(socketserver.StreamRequestHandler):
    server: Mailbox
    wbufsize = -1

    def handle(self) -> None:
        self._say("* OK ready")
        self.wfile.flush()
        while line := self.rfile.readline():
            tag, _, rest = line.decode().strip().partition(" ")
            name = rest.upper().split(" ")[0]
            if self.server.fails and self.server.fails in rest.upper():
                self._say(f"{tag} NO not now")
                self.wfile.flush()
                continue
            self._answer(name, rest)
            refused = name == "LOGIN" and rest.split(" ", 1)[1] not in (
                f'{USER} "{PASSWORD}"',
                f'"{USER}" "{PASSWORD}"',
            )
            refused |= name in ("SELECT", "EXAMINE") and '"INBOX"' not in rest
            self._say(f"{tag} {'NO refused' if refused else 'OK done'}")
            self.wfile.flush()
            if name == "LOGOUT":
                return

    def _answer(self, name: str, rest: str) -> None:
        if name == "CAPABILITY":
            self._say("* CAPABILITY IMAP4rev1")
        elif name in ("SELECT", "EXAMINE"):
            self._say(f"* {len(self.server.messages)} EXISTS")
            self._say(f"* OK [UIDVALIDITY {self.server.validity}] so it is")
        elif name == "LOGOUT":
            self._say("* BYE")
        elif name == "UID":
            self._uid(rest)

    def _uid(self, rest: str) -> None:
        if found := re.fullmatch(r"UID SEARCH UID (\d+):\*", rest, re.I):
            last = max(self.server.messages, default=0)  # n:* always holds the last one, RFC 3501, 6.4.8
            uids = [uid for uid in self.server.messages if uid >= int(found[1]) or uid == last]
            self._say("* SEARCH " + " ".join(map(str, uids)))
        elif found := re.fullmatch(r"UID FETCH (\d+) \(RFC822.SIZE\)", rest, re.I):
            uid = int(found[1])
            if uid in self.server.messages:
                self._say(f"* 1 FETCH (UID {uid} RFC822.SIZE {len(self.server.messages[uid])})")
        elif found := re.fullmatch(r"UID FETCH (\d+) \(BODY.PEEK\[\]\)", rest, re.I):
            message = self.server.messages[int(found[1])]
            self._say(f"* 1 FETCH (UID {found[1]} BODY[] {{{len(message)}}}")
            self.wfile.write(message)
            self._say(")")
        elif found := re.fullmatch(r"UID STORE ([\d,]+) \+FLAGS.SILENT \(\\SEEN\)", rest, re.I):
            self.server.seen |= {int(uid) for uid in found[1].split(",")}

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")


@contextmanager
def mailing() -> Iterator[Mailbox]:
    """A mail server that is up."""
    server = Mailbox()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
