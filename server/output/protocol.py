"""The interface of live outputs: the sound card, the null output and fakes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # the sound card's process needs the errors, but not numpy
    from server.output.ring import Ring


class OutputError(RuntimeError):
    """An output that cannot be used as asked: no such device, a file that cannot be written."""


class NoSoundCard(OutputError):
    """This machine has no sound card or no PortAudio; the null output stands in for it."""


class Output(Protocol):
    """Takes samples from a ring at its own pace."""

    @property
    def name(self) -> str:
        """Its name, for the user."""

    @property
    def sample_rate_hz(self) -> float:
        """The rate at which it takes samples."""

    @property
    def channels(self) -> int:
        """The number of channels of its ring."""

    @property
    def latency_s(self) -> float:
        """Time from taking a sample to hearing it."""

    def new_ring(self, capacity_samples: int) -> Ring:
        """Make a ring that it can take samples from."""

    def start(self, ring: Ring) -> None:
        """Start taking samples.

        Raises:
            OutputError: the device does not start.
        """

    def is_lost(self) -> bool:
        """Return True once it takes no more samples; call several times a second."""

    def stop(self) -> None:
        """Stop; may be called twice."""
