"""Control messages as frozen objects, whatever they came from: OSC, MIDI, a score, ``--set``.

A device turns its messages into a tuple of events and passes that tuple to an ``EventSink`` in one
call. The tuple is the unit of time: an OSC bundle arrives as one, and the desk applies it as a
whole (``server.controls.desk``). ``reply_to`` receives the answer; None if there is nobody to
answer (MIDI, ``--set``, a score).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar, Protocol

from server.controls.replies import Reply


class Sender(Protocol):
    """A client that can be answered; used in the event loop's thread."""

    def reply(self, reply: Reply) -> None:
        """Send ``reply``; never raises, since the client may have left."""

    def is_gone(self, silent_s: float, patience_s: float) -> bool:
        """Return True if the client has left; it has sent nothing for ``silent_s``.

        ``patience_s`` is how long a client without a connection may be silent.
        """


@dataclass(frozen=True)
class Event:
    """A control message: something to set, to do or to answer.

    ``works_offline``: it also works while a file is rendered, without port, device or clock.
    """

    works_offline: ClassVar[bool] = False

    _: KW_ONLY
    reply_to: Sender | None = None

    @property
    def is_question(self) -> bool:
        """True if it only asks for an answer; a score must not contain it."""
        return False

    def answer(self, reply: Reply) -> None:
        """Send ``reply`` to the sender, if there is one."""
        if self.reply_to is not None:
            self.reply_to.reply(reply)


@dataclass(frozen=True)
class Question(Event):
    """An event that only asks for an answer."""

    @property
    def is_question(self) -> bool:
        """Always true."""
        return True


@dataclass(frozen=True)
class SetControl(Event):
    """Set the control at ``address``; ``values`` are within its range."""

    works_offline = True

    address: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class MorphStep(Event):
    """A step of a morph: for each address, the values set last and the values to set now.

    A control that no longer has the values set last was moved by something else, and keeps its own.
    """

    steps: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]]


@dataclass(frozen=True)
class Morph(Event):
    """Morph from the current values to ``targets``, by address, in ``seconds``.

    Ends the previous morph; without targets, it does nothing else.
    """

    targets: Mapping[str, tuple[float, ...]]
    seconds: float


@dataclass(frozen=True)
class Query(Question):
    """Ask for the value at ``address``."""

    address: str


@dataclass(frozen=True)
class LoadDeck(Event):
    """Load ``source``, a library deck's name or an audio file, onto a deck (``a`` to ``d``)."""

    works_offline = True

    deck: str
    source: str


@dataclass(frozen=True)
class CaptureDeck(Event):
    """Load the last ``seconds`` of live input onto a deck."""

    deck: str
    seconds: float


@dataclass(frozen=True)
class CancelDeck(Event):
    """Cancel a load or capture that is still being encoded."""

    deck: str


@dataclass(frozen=True)
class AskProgress(Question):
    """Ask how far the file or capture of a deck is encoded."""

    deck: str


@dataclass(frozen=True)
class HearDeck(Event):
    """Play the recording of ``source`` on a deck at ``gain_db``, as while it was being encoded."""

    works_offline = True

    deck: str
    source: str
    gain_db: float


@dataclass(frozen=True)
class DeckLoaded(Event):
    """A score has loaded ``source`` onto a deck."""

    deck: str
    source: str


@dataclass(frozen=True)
class LoadModel(Event):
    """Load another bundle: ``name`` in the media folder."""

    works_offline = True

    name: str


@dataclass(frozen=True)
class ModelSwitched(Event):
    """The server or a score has loaded the bundle ``name``, which plays from now on.

    ``carried`` turns the desk's state of the old model into one of the new model.
    """

    name: str
    carried: Callable[[Any], Any]


@dataclass(frozen=True)
class Play(Event):
    """Start the playhead."""

    works_offline = True


@dataclass(frozen=True)
class Stop(Event):
    """Stop the playhead and the sound."""

    works_offline = True


@dataclass(frozen=True)
class Panic(Event):
    """Stop at once and clear the decoder's state, so that nothing rings on."""

    works_offline = True


@dataclass(frozen=True)
class Tap(Event):
    """Tap a beat."""


@dataclass(frozen=True)
class MaxOut(Event):
    """Set the offset of one style dimension to its maximum."""

    works_offline = True

    dimension: int


@dataclass(frozen=True)
class Flatten(Event):
    """Set the offsets that bring style to the mean of the training music."""

    works_offline = True


@dataclass(frozen=True)
class Randomise(Event):
    """Set each offset at random within one spread."""

    works_offline = True


@dataclass(frozen=True)
class ResetOffsets(Event):
    """Set all offsets to 0."""

    works_offline = True


@dataclass(frozen=True)
class SetGlide(Event):
    """Set the glide of the control at ``address`` to ``seconds``; None asks for it."""

    works_offline = True

    address: str
    seconds: float | None = None

    @property
    def is_question(self) -> bool:
        """True without seconds."""
        return self.seconds is None


@dataclass(frozen=True)
class ClearMotion(Event):
    """Discard the recorded motion."""

    works_offline = True


@dataclass(frozen=True)
class SavePreset(Event):
    """Save the current values as the preset ``name``, for MIDI ``program`` (None: the next)."""

    name: str
    program: int | None = None


@dataclass(frozen=True)
class LoadPreset(Event):
    """Recall the preset ``name``."""

    name: str


@dataclass(frozen=True)
class MorphPreset(Event):
    """Morph to the preset ``name`` in ``seconds``."""

    name: str
    seconds: float


@dataclass(frozen=True)
class RecallProgram(Event):
    """Recall the preset with the MIDI program ``number`` (0 to 127)."""

    number: int


@dataclass(frozen=True)
class Recalled(Event):
    """A preset ``command`` has set its values; ``left_out`` says which ones it could not set."""

    command: Reply
    left_out: str = ""


@dataclass(frozen=True)
class ListPresets(Question):
    """Ask for all presets."""


@dataclass(frozen=True)
class DeletePreset(Event):
    """Delete the preset ``name``."""

    name: str


@dataclass(frozen=True)
class StartRecording(Event):
    """Record the output from now on as ``name``."""

    name: str


@dataclass(frozen=True)
class StopRecording(Event):
    """Stop recording the output."""


@dataclass(frozen=True)
class QueryRecording(Event):
    """Ask whether the output is being recorded."""


@dataclass(frozen=True)
class RecordScore(Event):
    """Record all changes from now on as the score ``name``."""

    name: str


@dataclass(frozen=True)
class StopScore(Event):
    """Stop recording the score."""


@dataclass(frozen=True)
class ChangeOutput(Event):
    """Play on the output in ``names``; without a name, ask which one plays."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class LearnMidi(Event):
    """Map the next knob turned to the control ``words[0]``; the other words are options.

    Without words, cancel learning.
    """

    words: tuple[str, ...]


@dataclass(frozen=True)
class ForgetMidi(Event):
    """Remove all mappings of the control at ``address``."""

    address: str


@dataclass(frozen=True)
class ListMidiMaps(Event):
    """Ask for all mappings."""


@dataclass(frozen=True)
class ChangeMidiMap(Event):
    """Set an ``option`` of the mappings to ``address``; without one, ask for all their options.

    With a ``knob``, as ``/midi/maps`` lists it, only of that knob's mapping.
    """

    address: str
    option: str | None = None
    value: str | float | None = None
    knob: str | None = None


@dataclass(frozen=True)
class StatusRequest(Question):
    """Ask for ``/status.reply``."""


@dataclass(frozen=True)
class VersionRequest(Question):
    """Ask for the program's name and version."""


@dataclass(frozen=True)
class SyncRequest(Question):
    """Ask for an answer with ``number`` once everything sent before it has been handled."""

    number: int


@dataclass(frozen=True)
class Notify(Question):
    """Subscribe the sender to changes (``on`` 1), or unsubscribe it (0)."""

    on: int


@dataclass(frozen=True)
class Dump(Event):
    """Start (``on`` 1) or stop (0) printing incoming messages."""

    on: int


@dataclass(frozen=True)
class WekinatorOutputs(Event):
    """All outputs of a Wekinator project (``server.osc.wekinator``)."""

    works_offline = True

    values: tuple[float, ...]


@dataclass(frozen=True)
class PlayNote(Event):
    """Press a key with ``velocity`` 1..127, or release it (0)."""

    works_offline = True

    key: int
    velocity: int


@dataclass(frozen=True)
class Quit(Event):
    """End the program."""

    works_offline = True


EventSink = Callable[[tuple[Event, ...]], None]
"""Takes events that belong together, in one call; called in the event loop's thread."""
