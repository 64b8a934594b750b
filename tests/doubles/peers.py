"""A destination that answers as the test says, and a clock that the test moves."""

from __future__ import annotations

from tg263_scp.dicom.network.sender import Answer, Unavailable
from tg263_scp.dicom.network.statuses import StoreResult, reaction_to


class Clock:
    def __init__(self):
        self.now = 1_000_000.0

    def __call__(self):
        return self.now


class Peer:
    """A destination that answers by the book it is given: ``answers`` by job token, else success."""

    def __init__(self):
        self.answers: dict[str, list[int | str | None]] = {}
        self.refusal: Unavailable | None = None
        self.box: list[str] = []
        self.tried: list[str] = []
        self.connections = 0
        self.contexts: list[tuple[str, str]] = []
        self.takes = lambda context: True

    def connect(self, target, contexts):
        self.connections += 1
        self.contexts = contexts
        if self.refusal:
            raise self.refusal
        return Line(self)


class Line:
    def __init__(self, peer):
        self.peer = peer
        self.usable = True
        self.accepted = [each for each in peer.contexts if peer.takes(each)]

    def send(self, parcel):
        token = parcel.path.stem
        self.peer.tried.append(token)
        if not self.usable:
            return Answer(StoreResult.TRANSIENT, None, "ended")
        book = self.peer.answers.get(token, [])
        says = book.pop(0) if book else 0x0000
        if says == "abort":
            self.usable = False
            return Answer(StoreResult.TRANSIENT, None, "no answer")
        if says == "silent":
            self.usable = False
            return Answer(StoreResult.TRANSIENT, None, "no answer", silent=True)
        if says == "no context":
            return Answer(StoreResult.PERMANENT, None, "no presentation context")
        reaction = reaction_to(says)
        if reaction.result is StoreResult.STORED:
            self.peer.box.append(token)
        return Answer(reaction.result, says, reaction.said)

    def close(self):
        self.usable = False

    abort = close
