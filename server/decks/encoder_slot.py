"""The encoder process of the model that plays; replaced with the model."""

from __future__ import annotations

from collections.abc import Callable

from export.bundle.format import Bundle
from server.decks.encoder_worker import EncoderWorker, Report
from server.decks.encoding import Source
from server.system.callbacks import Soon


class EncoderSlot:
    """Used by the event loop's thread; ``soon`` passes reports there, to ``take``."""

    def __init__(
        self,
        bundle: Bundle,
        soon: Soon,
        take: Callable[[Report], None],
    ) -> None:
        self._soon = soon
        self._take = take
        self._worker = self._worker_of(bundle)

    def submit(self, source: Source) -> int:
        """Queue a file or a capture; return the ticket that is in every report about it."""
        return self._worker.submit(source)

    def cancel(self, ticket: int) -> None:
        """Drop this one, or stop in the middle; nothing more is reported about it."""
        self._worker.cancel(ticket)

    def change(self, bundle: Bundle) -> None:
        """Encode for another model; pending reports of the previous process are lost."""
        self._worker.stop()
        self._worker = self._worker_of(bundle)

    def stop(self) -> None:
        """End the process; may be called twice."""
        self._worker.stop()

    def _worker_of(self, bundle: Bundle) -> EncoderWorker:
        def take(report: Report) -> None:
            if self._worker is worker:
                self._take(report)

        worker = EncoderWorker(
            bundle.manifest, bundle.encoder_onnx, lambda report: self._soon(lambda: take(report))
        )
        return worker
