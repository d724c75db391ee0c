"""What the hands did, as frozen objects: OSC, MIDI, the page and the command line all end here.

A device turns its messages into a tuple of events and hands that tuple to an ``EventSink`` in
one call. The tuple is the unit of time: an OSC bundle arrives as one, and the desk applies it
as a whole (``server.controls.desk``). ``reply_to`` is where an answer is due, or None where nobody
asked (MIDI, ``--set``, a score).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar, Protocol

from server.controls.replies import Reply


class Sender(Protocol):
    """Someone who may be answered; callable from the thread of the event loop."""

    def reply(self, reply: Reply) -> None:
        """Send ``reply`` back; never raises, for a sender may be long gone."""

    def is_gone(self, silent_s: float, patience_s: float) -> bool:
        """Whether nobody is there any more; it has said nothing for ``silent_s``."""


@dataclass(frozen=True)
class Event:
    """A control message: something to set, to do or to answer.

    ``works_offline``: a score may do it while a file is rendered, with no port, device or clock.
    """

    works_offline: ClassVar[bool] = False

    _: KW_ONLY
    reply_to: Sender | None = None

    @property
    def is_question(self) -> bool:
        """Whether it only asks for an answer; a score has nobody to answer."""
        return False

    def answer(self, reply: Reply) -> None:
        """Send ``reply`` to who made it, if anybody waits for one."""
        if self.reply_to is not None:
            self.reply_to.reply(reply)


@dataclass(frozen=True)
class Question(Event):
    """An event that only asks for an answer."""

    @property
    def is_question(self) -> bool:
        """Always."""
        return True


@dataclass(frozen=True)
class SetControl(Event):
    """New values for the control at ``address``; checked against its range already."""

    works_offline = True

    address: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class MorphStep(Event):
    """A step of a morph: values by address, as they were set last and as they shall be now.

    Those that are no longer so have been moved by a hand, and are its.
    """

    steps: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]]


@dataclass(frozen=True)
class Morph(Event):
    """Go from where the values are to ``targets``, by address, in ``seconds``.

    Ends the morph before it; without targets that is all.
    """

    targets: Mapping[str, tuple[float, ...]]
    seconds: float


@dataclass(frozen=True)
class Query(Question):
    """What is the value at ``address``?"""

    address: str


@dataclass(frozen=True)
class LoadDeck(Event):
    """Put ``source``, a library deck's name or an audio file, onto a deck (``a``, ``b``)."""

    works_offline = True

    deck: str
    source: str


@dataclass(frozen=True)
class CaptureDeck(Event):
    """Put the last ``seconds`` of live input onto a deck."""

    deck: str
    seconds: float


@dataclass(frozen=True)
class CancelDeck(Event):
    """Stop what is being loaded or captured onto a deck."""

    deck: str


@dataclass(frozen=True)
class DeckLoaded(Event):
    """``source`` lies on a deck already, laid there by a score."""

    deck: str
    source: str


@dataclass(frozen=True)
class LoadModel(Event):
    """Play with another bundle: ``name`` below the media folder."""

    works_offline = True

    name: str


@dataclass(frozen=True)
class ModelSwitched(Event):
    """Another bundle plays from now on; ``carried`` turns the old desk state into the new one's."""

    name: str
    carried: Callable[[Any], Any]


@dataclass(frozen=True)
class Play(Event):
    """Let the playhead run."""

    works_offline = True


@dataclass(frozen=True)
class Stop(Event):
    """Hold the playhead and fall silent."""

    works_offline = True


@dataclass(frozen=True)
class Panic(Event):
    """Stop and forget every ringing state, now."""

    works_offline = True


@dataclass(frozen=True)
class Tap(Event):
    """A beat is now."""


@dataclass(frozen=True)
class MaxOut(Event):
    """One style dimension as far up as it goes."""

    works_offline = True

    dimension: int


@dataclass(frozen=True)
class Flatten(Event):
    """Offsets that make style the mean of what was trained on."""

    works_offline = True


@dataclass(frozen=True)
class Randomise(Event):
    """Offsets anywhere within the trained spread."""

    works_offline = True


@dataclass(frozen=True)
class ResetOffsets(Event):
    """No offset in any style dimension."""

    works_offline = True


@dataclass(frozen=True)
class SetGlide(Event):
    """Follow new values at ``address`` within ``seconds``; None asks how long that is now."""

    works_offline = True

    address: str
    seconds: float | None = None

    @property
    def is_question(self) -> bool:
        """Without seconds."""
        return self.seconds is None


@dataclass(frozen=True)
class ClearMotion(Event):
    """Forget the recorded motion."""

    works_offline = True


@dataclass(frozen=True)
class PresetEvent(Event):
    """Something about snapshots of what is set (``server.presets``)."""


@dataclass(frozen=True)
class SavePreset(PresetEvent):
    """Keep what is set now as the preset ``name``, which MIDI ``program`` loads; None: the next."""

    name: str
    program: int | None = None


@dataclass(frozen=True)
class LoadPreset(PresetEvent):
    """Set all that the preset ``name`` holds."""

    name: str


@dataclass(frozen=True)
class MorphPreset(PresetEvent):
    """Go to the preset ``name`` in ``seconds``."""

    name: str
    seconds: float


@dataclass(frozen=True)
class RecallProgram(PresetEvent):
    """Set all that the preset with this MIDI program ``number`` (0 to 127) holds."""

    number: int


@dataclass(frozen=True)
class Recalled(PresetEvent):
    """``command``, such as ``/preset/load NAME``, is done; ``left_out`` is what could not be."""

    command: Reply
    left_out: str = ""


@dataclass(frozen=True)
class ListPresets(PresetEvent, Question):
    """Tell all presets."""


@dataclass(frozen=True)
class DeletePreset(PresetEvent):
    """Take the preset ``name`` away."""

    name: str


@dataclass(frozen=True)
class StartRecording(Event):
    """Record what is heard from now on as ``name``."""

    name: str


@dataclass(frozen=True)
class StopRecording(Event):
    """End the recording of what is heard."""


@dataclass(frozen=True)
class AskRecording(Event):
    """Is what is heard being recorded?"""


@dataclass(frozen=True)
class RecordScore(Event):
    """Record what is played from now on as the score ``name``."""

    name: str


@dataclass(frozen=True)
class StopScore(Event):
    """End the score that is being recorded."""


@dataclass(frozen=True)
class ChangeOutput(Event):
    """Play on the output that is named instead; without a name, which is it?"""

    names: tuple[str, ...]


@dataclass(frozen=True)
class MidiMapEvent(Event):
    """Something about which knob moves what (``server.midi``)."""


@dataclass(frozen=True)
class LearnMidi(MidiMapEvent):
    """The next knob that is turned moves the control of the first of ``words``; the others say how.

    Without words: none is waited for any more.
    """

    words: tuple[str, ...]


@dataclass(frozen=True)
class ForgetMidi(MidiMapEvent):
    """No knob moves ``address`` any more."""

    address: str


@dataclass(frozen=True)
class ListMidiMaps(MidiMapEvent):
    """Which knob moves what?"""


@dataclass(frozen=True)
class ChangeMidiMap(MidiMapEvent):
    """Another ``value`` for an ``option`` of what moves ``address``; without them, which are they?

    With a ``knob``, as it is listed, only of that one.
    """

    address: str
    option: str | None = None
    value: str | float | None = None
    knob: str | None = None


@dataclass(frozen=True)
class StatusRequest(Question):
    """Tell the figures of ``/status.reply``."""


@dataclass(frozen=True)
class VersionRequest(Question):
    """Tell the program's name and version."""


@dataclass(frozen=True)
class SyncRequest(Question):
    """Answer with ``number`` once everything before it has been taken in."""

    number: int


@dataclass(frozen=True)
class Notify(Question):
    """Tell the sender what changes from now on (``on`` 1), or no more (0)."""

    on: int


@dataclass(frozen=True)
class Dump(Event):
    """Print incoming messages from now on (``on`` 1), or no more (0)."""

    on: int


@dataclass(frozen=True)
class WekinatorOutputs(Event):
    """Outputs of a Wekinator model, as many as it has (``server.osc.wekinator``)."""

    works_offline = True

    values: tuple[float, ...]


@dataclass(frozen=True)
class PlayNote(Event):
    """A key is pressed so hard (1..127), or let go (0)."""

    works_offline = True

    key: int
    velocity: int


@dataclass(frozen=True)
class Quit(Event):
    """End the program in good order."""

    works_offline = True


EventSink = Callable[[tuple[Event, ...]], None]
"""Takes what belongs together in one call; called in the thread of the event loop."""
