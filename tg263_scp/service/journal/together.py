"""Threads that each want something durable share a transaction: one wait for the disk serves all that came meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")


class _Wish(Generic[Asked, Answered]):
    __slots__ = ("answer", "asked", "problem")

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.answer: list[Answered] = []
        self.problem: BaseException | None = None


class Together(Generic[Asked, Answered]):
    """Answers threads by ``answer_all``, which gets what all of them ask and returns as many answers when they are durable.

    A thread gets its answer when that is durable, never before. Who comes first answers all that wait, and those that come
    meanwhile are next. Where ``answer_all`` fails, each is tried alone: what one asks cannot cost another its answer.
    """

    def __init__(self, answer_all: Callable[[Sequence[Asked]], Sequence[Answered]]) -> None:
        self._answer_all = answer_all
        self._waiting: list[_Wish[Asked, Answered]] = []
        self._list = Lock()
        self._turn = Lock()

    def __call__(self, asked: Asked) -> Answered:
        """Return the answer.

        Raises:
            Exception: what ``answer_all`` raises.
        """
        wish: _Wish[Asked, Answered] = _Wish(asked)
        with self._list:
            self._waiting.append(wish)
        with self._turn:
            if not (wish.answer or wish.problem):
                with self._list:
                    wishes, self._waiting = self._waiting, []
                self._grant(wishes)
        if wish.problem is not None:
            raise wish.problem
        return wish.answer[0]

    def _grant(self, wishes: Sequence[_Wish[Asked, Answered]]) -> None:
        try:
            answers = self._answer_all([wish.asked for wish in wishes])
        except Exception as problem:
            if len(wishes) > 1:
                for wish in wishes:
                    self._grant([wish])
            else:
                wishes[0].problem = problem
            return
        for wish, answer in zip(wishes, answers, strict=True):
            wish.answer.append(answer)
