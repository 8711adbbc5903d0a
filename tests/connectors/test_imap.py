"""The mailbox: what is read, when it is marked, what is wrong."""

from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest

from connectors.imap import LARGEST
from connectors.sdk import AuthError, Batch, GoneError, TransientError
from connectors.sdk.declare import DeclarationError, declare
from tests.connectors.mailbox import PASSWORD, USER, Mailbox, mailing
from tests.connectors.poll import articles, bad, last_cursor, poll


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mailing() as server:
        yield server


def message(number: int) -> bytes:
    made = EmailMessage()
    made["Subject"] = f"Morning briefing {number}"
    made["From"] = "Desk <desk@wire.example>"
    made["Message-ID"] = f"<{number}@wire.example>"
    made["Date"] = "Wed, 01 May 2030 09:00:00 +0000"
    made.set_content(f"The ferry stays in port for day {number}.")
    return made.as_bytes()


def look(mailbox: Mailbox, cursor: Any = None, **config: Any) -> list[Batch]:
    given = {"host": "127.0.0.1", "port": mailbox.port, "tls": False, "user": USER, "password": PASSWORD, **config}
    return poll(cursor, kind="imap", **given)


def test_messages_become_articles_and_are_marked_once_taken(mailbox: Mailbox) -> None:
    for number in range(3):
        mailbox.put(message(number))
    first = look(mailbox)
    assert [found.title for found in articles(first)] == [f"Morning briefing {number}" for number in range(3)]
    assert articles(first)[0].authors == ("Desk",)
    assert mailbox.seen == {1, 2, 3}
    assert not articles(look(mailbox, last_cursor(first)))
    mailbox.put(message(3))
    assert [found.title for found in articles(look(mailbox, last_cursor(first)))] == ["Morning briefing 3"]


def test_what_the_log_has_not_taken_is_not_marked_and_comes_again(mailbox: Mailbox) -> None:
    mailbox.put(message(1))
    mailbox.fails = "STORE"
    with pytest.raises(TransientError):
        look(mailbox)
    assert not mailbox.seen
    mailbox.fails = None
    assert len(articles(look(mailbox))) == 1


def test_what_was_taken_and_not_marked_is_marked_at_the_next_poll(mailbox: Mailbox) -> None:
    mailbox.put(message(1))
    found = look(mailbox, {"validity": 1, "uid": 1, "unmarked": [1]})
    assert not articles(found)
    assert mailbox.seen == {1}


def test_nothing_is_marked_where_that_is_not_wanted(mailbox: Mailbox) -> None:
    mailbox.put(message(1))
    assert len(articles(look(mailbox, mark=False))) == 1
    assert not mailbox.seen


def test_a_folder_that_was_made_anew_is_read_again_under_the_same_ids(mailbox: Mailbox) -> None:
    mailbox.put(message(1))
    first = look(mailbox)
    mailbox.validity = 2
    second = look(mailbox, last_cursor(first))
    assert [found.id for found in articles(second)] == [found.id for found in articles(first)]


def test_many_messages_come_in_batches_whose_cursors_cover_them(mailbox: Mailbox) -> None:
    for number in range(45):
        mailbox.put(message(number))
    found = look(mailbox)
    assert [len(batch.items) for batch in found] == [20, 20, 5, 0]
    assert len(articles(look(mailbox, found[0].cursor))) == 25


def test_a_message_that_is_too_large_is_a_dead_letter_and_its_neighbours_go_on(mailbox: Mailbox) -> None:
    mailbox.put(message(1) + b"x" * LARGEST)
    mailbox.put(message(2))
    found = look(mailbox)
    assert [item.title for item in articles(found)] == ["Morning briefing 2"]
    assert "larger than" in bad(found)[0].reason


@pytest.mark.parametrize(
    ("config", "error", "said"),
    [
        ({"password": "wrong"}, AuthError, "user and password"),
        ({"folder": "Letters"}, GoneError, "no folder Letters"),
        ({"port": 1}, TransientError, "127.0.0.1"),
    ],
)
def test_what_is_wrong_is_said(mailbox: Mailbox, config: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        look(mailbox, **config)


def test_a_password_never_goes_over_the_net_in_the_clear() -> None:
    with pytest.raises(DeclarationError, match="`tls`"):
        declare({"kind": "imap", "host": "mail.example", "user": "a", "password": "b", "tls": False})
