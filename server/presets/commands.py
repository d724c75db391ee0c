"""Commands of presets: save, list and delete files; recall and morph values.

    /preset/load, /preset/morph, program change -> values, at once with their bundle
    /preset/save, /list, /delete                -> files, in another thread

Presets are read at the start and kept in memory, so that a recall never waits for the disk. If a
preset is unknown, the folder is read again before the recall is rejected.
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
from server.controls.notify import NotifyClients
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
    """Reads and writes files in another thread: ``server.system.file_worker``."""

    def do(
        self, task: Callable[[], T], then: Callable[[T], None], failed: Callable[[str], None], /
    ) -> None:
        """Run ``task``, then call ``then`` with its result or ``failed`` with the reason."""


class PresetCommands(Feature):
    """Saves, lists, deletes, recalls and morphs; used by the event loop's thread."""

    def __init__(
        self,
        config: Path | None,
        files: FileQueue,
        desk: Desk,
        playing: Playing,
        notify: NotifyClients,
    ) -> None:
        """``config`` is the configuration folder, or None to keep nothing."""
        self._folder = PresetFolder(config) if config else None
        self._files = files
        self._desk = desk
        self._playing = playing
        self._notify = notify
        self._presets: Mapping[str, Preset] = {}
        self._log = LimitedLog(logger)

    @property
    def _bundle_name(self) -> str:
        return self._playing.newest.bundle.manifest.name

    def begin(self) -> None:
        """Read the folder."""
        self._read_folder(lambda presets: None, logger.warning)

    def expansions(self) -> Mapping[type[Event], Expansion]:
        """Recalls of a known preset, as the values it sets."""
        return dict.fromkeys((LoadPreset, MorphPreset, RecallProgram), self._expanded)

    def handlers(self) -> Mapping[type[Event], Handler]:
        """Commands that need files, and recalls of presets that are not known yet."""
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
        self._notify(event.command, event.reply_to)

    def _on_unknown_program(self, event: RecallProgram) -> None:
        self._log.warning(f"MIDI program {event.number}: no preset has this number")

    def _on_unknown_preset(self, event: LoadPreset | MorphPreset) -> None:
        """Recall it if it has been saved meanwhile; else read the folder and try again."""
        if self._recall(event):
            return
        failed = partial(_fail, event, _address(event))

        def then(presets: Mapping[str, Preset]) -> None:
            if not self._recall(event):
                failed(f"there is no preset {shown(event.name)}; {LIST} shows them")

        self._read_folder(then, failed)

    def _expanded(self, event: _Recall) -> tuple[Event, ...]:
        preset = self._known_preset(event)
        if preset is None:
            return (event,)
        seconds = event.seconds if isinstance(event, MorphPreset) else 0.0
        arguments = (preset.name, seconds) if isinstance(event, MorphPreset) else (preset.name,)
        command = Reply(_address(event), arguments)
        try:
            saved = recall(preset, self._desk.table)
        except PresetError as error:
            logger.warning("%s", error)
            _fail(event, command.address, str(error))
            return ()
        return self._recalled(saved, preset, seconds, command, event.reply_to)

    def _known_preset(self, event: _Recall) -> Preset | None:
        """Return the preset that ``event`` recalls, if it is known."""
        if isinstance(event, RecallProgram):
            matches = (one for one in self._presets.values() if one.program == event.number)
            return next(matches, None)
        try:
            return self._presets.get(clean_name(event.name))
        except PresetError:
            return None

    def _recalled(
        self, saved: Recall, preset: Preset, seconds: float, command: Reply, sender: Sender | None
    ) -> tuple[Event, ...]:
        possible, left_out = self._possible(saved)
        if left_out:
            logger.warning(
                "preset '%s' was saved with bundle %s; left out: %s",
                preset.name,
                shown(preset.bundle),
                left_out,
            )
        state = self._desk.snapshot()
        glides = [one for one in saved.glides if one.seconds != glide_s(state, one.address)]
        values = changes(possible, state, seconds)
        return (*glides, *values, Recalled(command, left_out, reply_to=sender))

    def _possible(self, saved: Recall) -> tuple[list[SetControl], str]:
        """Return the values that can be set now, and one line that says which cannot and why."""
        state = self._desk.snapshot()
        reasons = [f"{name}: not in bundle {shown(self._bundle_name)}" for name in saved.unknown]
        possible = []
        for one in saved.values:
            is_new = state.vector(one.address) != one.values
            reason = self._rejection_reason(one) if is_new else None
            if reason:
                reasons.append(f"{one.address}: {reason}")
            else:
                possible.append(one)
        return possible, "; ".join(reasons)

    def _rejection_reason(self, setting: SetControl) -> str | None:
        clock = CLOCKS[int(self._desk.snapshot().value(CLOCK))]
        if setting.address == TEMPO and clock != INTERNAL:
            return f"/clock {clock} sets the tempo"
        return self.dispatcher.rejection_reason(setting)

    def _recall(self, event: LoadPreset | MorphPreset) -> bool:
        """Carry it out if the preset is known now; return whether it is."""
        is_known = self._known_preset(event) is not None
        if is_known:
            self.dispatcher.carry_out(self._expanded(event))
        return is_known

    def _read_folder(
        self, then: Callable[[Mapping[str, Preset]], None], failed: Callable[[str], None]
    ) -> None:
        """Read the folder again, and call ``then`` with its presets by name."""

        def done(presets: tuple[Preset, ...]) -> None:
            self._presets = {preset.name: preset for preset in presets}
            then(self._presets)

        folder = self._folder
        if folder is None:
            then(self._presets)
        else:
            self._files.do(folder.presets, done, failed)

    def _on_save(self, event: SavePreset) -> None:
        def saved(preset: Preset) -> None:
            self._presets = {**self._presets, preset.name: preset}
            self._done(event, SAVE, preset.name, *_numbers(preset))

        target = self._folder_and_name(event, SAVE)
        if target:
            folder, name = target
            preset = preset_of(self._desk.snapshot(), name, self._bundle_name, event.program)
            self._files.do(lambda: folder.save(preset), saved, partial(_fail, event, SAVE))

    def _on_delete(self, event: DeletePreset) -> None:
        failed = partial(_fail, event, DELETE)

        def deleted(_: None) -> None:
            self._read_folder(lambda presets: self._done(event, DELETE, event.name), failed)

        target = self._folder_and_name(event, DELETE)
        if target:
            folder, name = target
            self._files.do(lambda: folder.delete(name), deleted, failed)

    def _folder_and_name(
        self, event: SavePreset | DeletePreset, command: str
    ) -> tuple[PresetFolder, str] | None:
        """Return the folder and the cleaned name; None, after ``/fail``, if there is none."""
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

        self._read_folder(listed, partial(_fail, event, LIST))

    def _done(self, event: Event, command: str, *arguments: Argument) -> None:
        event.answer(replies.done(command, *arguments))
        self._notify(Reply(command, arguments), event.reply_to)


def _numbers(preset: Preset) -> tuple[int, ...]:
    """Return its MIDI program, if it has one."""
    return () if preset.program is None else (preset.program,)


def _fail(event: Event, command: str, reason: str) -> None:
    event.answer(replies.fail(command, reason))


def _address(event: _Recall) -> str:
    return MORPH if isinstance(event, MorphPreset) else LOAD
