"""What can go wrong between a client and a vendor, at which request, and every script of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

HOWS = (
    "refused",  # nobody listens any more, from before this request on, until `heal`
    "cut",  # the connection ends before anything was done
    "half",  # done; the connection ends in the middle of the answer
    "lost",  # done; the connection ends without an answer
    "500", "503", "429",  # not done, and said so
    "500-done", "503-done", "429-done",  # done, and denied
    "garbage",  # done; the answer is no JSON
    "page",  # done; the answer is a web page, as from a proxy
    "empty",  # done; the answer is an empty object
    "slow",  # done; no answer before the client gives up
    "late",  # no answer before the client gives up; done only then
    "kill-before", "kill-after",  # the client dies: before it was done, after
)  # fmt: skip
DONE = frozenset({"half", "lost", "500-done", "503-done", "429-done", "garbage", "page", "empty", "slow", "kill-after"})
"""Those after which the vendor has done what was asked."""


@dataclass(frozen=True)
class Fault:
    """What happens to the nth request of a kind (1 is the first; 0 every one), and to how many from there on."""

    step: str
    nth: int
    how: str
    times: int = 1

    def __post_init__(self) -> None:
        assert self.how in HOWS, self.how

    def hits(self, step: str, nth: int) -> bool:
        """Whether this request is one of those."""
        return step == self.step and (self.nth == 0 or self.nth <= nth < self.nth + self.times)


def scripts(order: Sequence[str], hows: Sequence[str] = HOWS, times: Sequence[int] = (1, 99)) -> Iterator[Fault]:
    """Give every fault at every request of a run that went well: `order` is what that run asked, in its order."""
    seen: Counter[str] = Counter()
    for step in order:
        seen[step] += 1
        for how in hows:
            for count in (99,) if how == "refused" else (1,) if how.startswith("kill") else times:
                yield Fault(step, seen[step], how, count)
