"""The open names of a node as pages want them: gathered once until something changes, and found by a digest.

A name as somebody wrote it may hold anything; in addresses and forms a digest of what is compared of it stands for it.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from threading import Lock

from tg263_scp.service.review.decisions import name_key
from tg263_scp.service.review.open_names import OpenName
from tg263_scp.service.review.review import Review

_MOST_KEPT = 6
"""Lists that are kept; another filter is another list."""

Filters = tuple[str, str, str, str]
"""Site, sender, day since when, status; empty wants all."""


def name_digest(name: str) -> str:
    """Return what stands for a name in addresses and forms."""
    return hashlib.sha256(name_key(name).encode("utf-8", "surrogatepass")).hexdigest()[:24]


class OpenNameList:
    """Open names with a memory; may be used by several threads."""

    def __init__(self, review: Review) -> None:
        self._review = review
        self._lock = Lock()
        self._stamp: tuple[int, str] | None = None
        self._kept: OrderedDict[Filters, list[OpenName]] = OrderedDict()
        self._by_digest: dict[str, OpenName] | None = None

    def names(self, filters: Filters = ("", "", "", "open")) -> list[OpenName]:
        """Return the names that filters let through, most frequent first.

        Raises:
            ReviewError: the store is damaged.
            OSError: the audit log cannot be read.
        """
        with self._lock:
            self._forget_what_is_old()
            if filters not in self._kept:
                site, sender, since, status = filters
                self._kept[filters] = self._review.open_names(
                    site=site, sender=sender, since=since, status=status
                )
                while len(self._kept) > _MOST_KEPT:
                    self._kept.popitem(last=False)
            return self._kept[filters]

    def find(self, digest: str) -> OpenName | None:
        """Return the name that a digest stands for, an open one before one that was decided since; None where it is none."""
        everything = self.names(("", "", "", "all"))
        with self._lock:
            if self._by_digest is None:
                later_first = sorted(everything, key=lambda each: each.status == "open")
                self._by_digest = {name_digest(each.key): each for each in later_first}
            return self._by_digest.get(digest)

    def _forget_what_is_old(self) -> None:
        stamp = self._review.stamp
        if stamp != self._stamp:
            self._kept.clear()
            self._stamp, self._by_digest = stamp, None
