"""Presets: saved, listed and deleted as files, recalled and morphed to as values.

    /preset/load, /preset/morph, program change -> values, together with what arrived with it
    /preset/save, /list, /delete                -> files, in another thread

Presets are read at the start and kept in memory, so that a recall waits for no disk; an unknown one
is looked for in the folder before it is rejected.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from server.controls import replies
from server.controls.addresses import CLOCK, CLOCKS, INTERNAL, TEMPO
from server.controls.desk import Desk, glide_s
from server.controls.events import (
    DeletePreset,
    Event,
    ListPresets,
    LoadPreset,
    MorphPreset,
    Recalled,
    RecallProgram,
    SavePreset,
    Sender,
    SetControl,
)
from server.controls.feature import Expansion, Feature, Handler
from server.controls.notify import Tell
from server.controls.playing import Playing
from server.controls.replies import Argument, Reply
from server.presets.preset import Preset, PresetError, clean_name
from server.presets.preset_folder import PresetFolder
from server.presets.recall import Recall, changes, preset_of, recall
from server.system.config_folder import NO_FOLDER
from server.system.log_limit import LimitedLog
from server.system.printable import shown

logger = logging.getLogger(__name__)

SAVE, LOAD, MORPH, LIST, DELETE = (
    f"/preset/{verb}" for verb in ("save", "load", "morph", "list", "delete")
)
_Recall = LoadPreset | MorphPreset | RecallProgram
T = TypeVar("T")


class FileQueue(Protocol):
    """Where files are read and written: ``server.system.file_worker``."""

    def do(
        self, errand: Callable[[], T], then: Callable[[T], None], failed: Callable[[str], None]
    ) -> None:
        """``errand`` elsewhere, then what came of it."""


class PresetCommands(Feature):
    """Used by the thread of the event loop."""

    def __init__(
        self,
        config: Path | None,
        files: FileQueue,
        desk: Desk,
        playing: Playing,
        tell: Tell,
    ) -> None:
        """``config`` is the configuration folder, None to keep nothing; ``tell`` notifies
        clients."""
        self._folder = PresetFolder(config) if config else None
        self._files = files
        self._desk = desk
        self._playing = playing
        self._tell = tell
        self._presets: Mapping[str, Preset] = {}
        self._log = LimitedLog(logger)

    @property
    def _bundle_name(self) -> str:
        return self._playing.newest.bundle.manifest.name

    def begin(self) -> None:
        """Read what there is."""
        self._look(lambda presets: None, logger.warning)

    def expansions(self) -> Mapping[type[Event], Expansion]:
        """A recall of a known preset, as the values that it sets."""
        return dict.fromkeys((LoadPreset, MorphPreset, RecallProgram), self._values_of)

    def handlers(self) -> Mapping[type[Event], Handler]:
        """What needs files, and recalls of presets that are not known yet."""
        return {
            Recalled: self._on_recalled,
            RecallProgram: self._on_unknown_program,
            LoadPreset: self._on_unknown_preset,
            MorphPreset: self._on_unknown_preset,
            SavePreset: self._on_save,
            ListPresets: self._on_list,
            DeletePreset: self._on_delete,
        }

    def _on_recalled(self, event: Recalled) -> None:
        more = (event.left_out,) if event.left_out else ()
        event.answer(replies.done(event.command.address, *event.command.arguments, *more))
        self._tell(event.command, event.reply_to)

    def _on_unknown_program(self, event: RecallProgram) -> None:
        self._log.warning(f"MIDI program {event.number}: no preset has this number")

    def _on_unknown_preset(self, event: LoadPreset | MorphPreset) -> None:
        """It may have been saved, or have come into the folder, since it arrived."""
        if not self._recall(event):
            self._look_for(event)

    def _values_of(self, event: _Recall) -> tuple[Event, ...]:
        preset = self._meant(event)
        if preset is None:
            return (event,)
        seconds = event.seconds if isinstance(event, MorphPreset) else 0.0
        arguments = (preset.name, seconds) if isinstance(event, MorphPreset) else (preset.name,)
        command = Reply(_address(event), arguments)
        try:
            wanted = recall(preset, self._desk.table)
        except PresetError as error:
            logger.warning("%s", error)
            _fail(event, command.address, str(error))
            return ()
        return self._recalled(wanted, preset, seconds, command, event.reply_to)

    def _meant(self, event: _Recall) -> Preset | None:
        """The known preset that ``event`` recalls."""
        if isinstance(event, RecallProgram):
            numbered = (one for one in self._presets.values() if one.program == event.number)
            return next(numbered, None)
        try:
            return self._presets.get(clean_name(event.name))
        except PresetError:
            return None

    def _recalled(
        self, wanted: Recall, preset: Preset, seconds: float, command: Reply, asker: Sender | None
    ) -> tuple[Event, ...]:
        possible, left_out = self._possible(wanted)
        if left_out:
            logger.warning(
                "preset '%s' was saved with bundle %s; left out: %s",
                preset.name,
                shown(preset.bundle),
                left_out,
            )
        state = self._desk.snapshot()
        glides = [one for one in wanted.glides if one.seconds != glide_s(state, one.address)]
        going = changes(possible, state, seconds)
        return (*glides, *going, Recalled(command, left_out, reply_to=asker))

    def _possible(self, wanted: Recall) -> tuple[list[SetControl], str]:
        """What can be set here, and in one line what not and why."""
        state = self._desk.snapshot()
        reasons = [f"{name}: not in bundle {shown(self._bundle_name)}" for name in wanted.unknown]
        possible = []
        for one in wanted.values:
            is_new = state.vector(one.address) != one.values
            why = self._refusal(one) if is_new else None
            if why:
                reasons.append(f"{one.address}: {why}")
            else:
                possible.append(one)
        return possible, "; ".join(reasons)

    def _refusal(self, setting: SetControl) -> str | None:
        clock = CLOCKS[int(self._desk.snapshot().value(CLOCK))]
        if setting.address == TEMPO and clock != INTERNAL:
            return f"the tempo is that of /clock {clock}"
        return self.dispatcher.rejection_reason(setting)

    def _recall(self, event: LoadPreset | MorphPreset) -> bool:
        """Whether it is known now, and carried out."""
        is_known = self._meant(event) is not None
        if is_known:
            self.dispatcher.carry_out(self._values_of(event))
        return is_known

    def _look_for(self, event: LoadPreset | MorphPreset) -> None:
        """One that is not known: it may have come into the folder since."""
        failed = partial(_fail, event, _address(event))

        def looked(presets: Mapping[str, Preset]) -> None:
            if not self._recall(event):
                failed(f"there is no preset {shown(event.name)}; {LIST} shows them")

        self._look(looked, failed)

    def _look(
        self, then: Callable[[Mapping[str, Preset]], None], failed: Callable[[str], None]
    ) -> None:
        """Read the folder anew."""

        def read(presets: tuple[Preset, ...]) -> None:
            self._presets = {preset.name: preset for preset in presets}
            then(self._presets)

        folder = self._folder
        if folder is None:
            then(self._presets)
        else:
            self._files.do(folder.presets, read, failed)

    def _on_save(self, event: SavePreset) -> None:
        def saved(preset: Preset) -> None:
            self._presets = {**self._presets, preset.name: preset}
            self._done(event, SAVE, preset.name, *_numbers(preset))

        named = self._named(event, SAVE)
        if named:
            folder, name = named
            preset = preset_of(self._desk.snapshot(), name, self._bundle_name, event.program)
            self._files.do(lambda: folder.save(preset), saved, partial(_fail, event, SAVE))

    def _on_delete(self, event: DeletePreset) -> None:
        failed = partial(_fail, event, DELETE)

        def deleted(_: None) -> None:
            self._look(lambda presets: self._done(event, DELETE, event.name), failed)

        named = self._named(event, DELETE)
        if named:
            folder, name = named
            self._files.do(lambda: folder.delete(name), deleted, failed)

    def _named(
        self, event: SavePreset | DeletePreset, command: str
    ) -> tuple[PresetFolder, str] | None:
        """Where to, and the name that is meant; None where that cannot be, which is told."""
        try:
            name = clean_name(event.name)
        except PresetError as error:
            _fail(event, command, str(error))
            return None
        if self._folder is None:
            _fail(event, command, NO_FOLDER)
            return None
        return self._folder, name

    def _on_list(self, event: ListPresets) -> None:
        def listed(presets: Mapping[str, Preset]) -> None:
            for one in presets.values():
                (number,) = _numbers(one) or (-1,)
                event.answer(Reply(replies.PRESET_LISTED, (number, one.name)))
            event.answer(replies.done(LIST, len(presets)))

        self._look(listed, partial(_fail, event, LIST))

    def _done(self, event: Event, command: str, *arguments: Argument) -> None:
        event.answer(replies.done(command, *arguments))
        self._tell(Reply(command, arguments), event.reply_to)


def _numbers(preset: Preset) -> tuple[int, ...]:
    """Its program, if it has one."""
    return () if preset.program is None else (preset.program,)


def _fail(event: Event, command: str, why: str) -> None:
    event.answer(replies.fail(command, why))


def _address(event: _Recall) -> str:
    return MORPH if isinstance(event, MorphPreset) else LOAD
