from __future__ import annotations

import logging
from ipaddress import ip_network

import pytest
from doubles.wire import association_request, connected, pdu

from tg263_scp.config.loading import load_config
from tg263_scp.dicom.network.listener import Listener
from tg263_scp.dicom.network.messages import InMemory
from tg263_scp.dicom.network.refusals import LINE_EVERY_S, LINES_AT_ONCE, Caller, Reason, Refusals
from tg263_scp.dicom.network.statuses import StoreStatus

CALLER = Caller("10.1.2.3", "TPS", "TG263")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.WARNING, logger="tg263_scp.listener")
    return lambda: [record.getMessage() for record in caplog.records]


def test_a_line_says_who_was_turned_away_and_why_in_plain_words(lines):
    Refusals().note(Reason.CALLING_AE_TITLE, CALLER)
    assert lines() == [
        "closed the connection of 10.1.2.3, calling 'TPS', called 'TG263':"
        " the calling AE title is not in peers.ae_titles"
    ]


def test_where_nothing_was_read_the_address_stands_alone(lines):
    Refusals().note(Reason.NO_REQUEST, Caller("10.1.2.3"))
    assert lines()[0].startswith("closed the connection of 10.1.2.3: ")


@pytest.mark.parametrize("title", ["\x1b[31m", "a'b", "a\nb", "Größe", "\u202eabc", "\x00"])
def test_text_of_a_peer_is_printable_and_cannot_leave_its_quotes(lines, title):
    Refusals().note(Reason.CALLING_AE_TITLE, Caller("10.1.2.3", title, "x"))
    (line,) = lines()
    assert line.isascii()
    assert line.isprintable()
    assert line.count("'") == 4


def test_a_flood_is_counted_whole_and_logged_in_parts(lines):
    clock = Clock()
    refusals = Refusals(clock)
    for _ in range(1000):
        refusals.note(Reason.NOT_DICOM, CALLER)
    assert len(lines()) == LINES_AT_ONCE
    assert refusals.counts()[Reason.NOT_DICOM] == 1000
    refusals.note(Reason.ADDRESS, CALLER)
    assert len(lines()) == LINES_AT_ONCE + 1, "another reason has lines of its own"
    clock.now += LINE_EVERY_S
    refusals.note(Reason.NOT_DICOM, CALLER)
    assert lines()[-1].endswith("(990 more for this reason since the last such line)")


def test_every_reason_has_a_count_from_the_start_and_words_of_its_own():
    assert set(Refusals().counts().values()) == {0}
    assert len({reason.meaning for reason in Reason}) == len(Reason)


@pytest.mark.parametrize(
    ("listen", "peers", "reason", "said"),
    [
        ({"called_ae_must_match": True}, {}, Reason.CALLED_AE_TITLE, "this node is 'TG263'"),
        ({}, {"ae_titles": ["CT1"]}, Reason.CALLING_AE_TITLE, "calling 'TPS', called 'ELSE'"),
        (
            {},
            {"addresses": [ip_network("10.0.0.0/8")]},
            Reason.ADDRESS,
            "127.0.0.1: the address is not in peers.addresses",
        ),
    ],
)
def test_a_listener_says_whom_it_turned_away(lines, listen, peers, reason, said):
    config = load_config(None)
    running: Listener = Listener(
        config.listen.model_copy(update={"port": 0, **listen}),
        config.peers.model_copy(update=peers),
        max_object_bytes=1 << 20,
        begin=InMemory,
        accept=lambda received: StoreStatus.SUCCESS,
    )
    running.start()
    try:
        with connected(running.address[1]) as connection:
            connection.sendall(association_request(called=b"ELSE"))
            pdu(connection)
    except ConnectionError:
        pass
    finally:
        running.stop(0.0)
    assert running.refused()[reason] == 1
    (line,) = lines()
    assert said in line
