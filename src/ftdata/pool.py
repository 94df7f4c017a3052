"""Processes that share the work on batches. What comes out is the same, byte for byte, as from one process.

Batches go out and come back in order, a few ahead of the one in hand, so the ledger, the spool and the first error are
those of one process. Workers are started afresh (spawn): polars' threads do not survive a fork. Each worker works with
one thread, and ends when the run does, however that ends.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl
import pyarrow as pa
import pyarrow.ipc

from ftdata.batch import ROWS, SCHEMA, Batch
from ftdata.errors import RunError

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor

R = TypeVar("R")
_WORTH = 0.015
"""Seconds of work on a full batch below which sending it away and back takes longer than doing it here."""
_AHEAD = 2
"""Batches under way for each worker: one in work, one waiting."""
_PATIENCE = 0.1
"""Seconds after which the run may be stopped while workers are waited for."""
_OLDEST = pl.CompatLevel.oldest()


class Pool:
    """Run functions of batches, here or in other processes.

    With one job nothing is started. `tick` is called while workers are waited for; it may raise to stop the run.
    """

    def __init__(self, jobs: int, tick: Callable[[], None] = lambda: None) -> None:
        self.jobs, self.tick = jobs, tick
        self._executor: ProcessPoolExecutor | None = None
        self._alive: Any = None

    def map(self, work: Callable[[Batch], R], batches: Iterable[Batch]) -> Iterator[R]:
        """Give what `work` makes of each batch, in order. `work` and what it gives must survive pickling.

        The first batch is worked on here, and all while that is quicker than to send them away: a small run starts
        no other process.
        """
        if self.jobs == 1:
            yield from map(work, batches)
            return
        from concurrent.futures.process import BrokenProcessPool

        batches = iter(batches)
        for batch in batches:
            began = time.perf_counter()
            yield work(batch)
            if time.perf_counter() - began > _WORTH * max(1, batch.height) / ROWS:
                break
        under_way: deque[Future[R]] = deque()
        try:
            for batch in batches:
                under_way.append(self._submit(work, batch))
                if len(under_way) > _AHEAD * self.jobs:
                    yield self._result(under_way.popleft())
            while under_way:
                yield self._result(under_way.popleft())
        except BrokenProcessPool:
            raise RunError("a worker process died, most likely because memory ran out; run with fewer jobs") from None

    def close(self) -> None:
        """End the workers, at once."""
        if self._executor is not None:
            self._alive.close()
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None

    def _submit(self, work: Callable[[Batch], R], batch: Batch) -> Future[R]:
        if self._executor is None:
            from concurrent.futures import ProcessPoolExecutor
            from multiprocessing import get_context, resource_tracker

            context = get_context("spawn")
            watched, self._alive = context.Pipe(duplex=False)
            self._executor = ProcessPoolExecutor(self.jobs, context, _begin, (watched,))
            resource_tracker.ensure_running()  # to start it later would unblock what is blocked below
        # A worker that starts now inherits what is blocked: Ctrl-C must not reach it before it can ignore it.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return self._executor.submit(_worked, work, pack(batch))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)

    def _result(self, future: Future[R]) -> R:
        while True:
            try:
                return future.result(_PATIENCE)
            except TimeoutError:
                if future.done():  # the work itself raised it
                    raise
                self.tick()


def pack(batch: Batch) -> bytes:
    """Give a batch as an Arrow stream: three times as fast as pickling the frame."""
    table = batch.to_arrow(compat_level=_OLDEST)
    stream = pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, table.schema) as writer:
        for part in table.combine_chunks().to_batches():
            writer.write_batch(part)
    packed: bytes = stream.getvalue().to_pybytes()
    return packed


def unpack(packed: bytes) -> Batch:
    """Give the batch of a stream."""
    batch = pl.from_arrow(pa.ipc.open_stream(packed).read_all())
    assert isinstance(batch, pl.DataFrame)
    return batch.cast(SCHEMA)


def _worked(work: Callable[[Batch], R], packed: bytes) -> R:
    return work(unpack(packed))


def _begin(watched: Any) -> None:
    """Prepare a worker: Ctrl-C is for the run to hear; a worker ends when the run's end of the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["POLARS_MAX_THREADS"] = "1"  # heeded at polars' first use

    def watch() -> None:
        try:
            watched.poll(None)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
