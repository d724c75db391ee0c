"""Events of the hands to where they belong: values to the desk, questions to their answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib import metadata

from server.clock.clocks import Clocks
from server.controls import replies
from server.controls.addresses import BYPASS, DECKS, TAP
from server.controls.desk import Desk, glide_s
from server.controls.events import (
    AskRecording,
    CancelDeck,
    CaptureDeck,
    ChangeOutput,
    DeckLoaded,
    Dump,
    Event,
    LoadDeck,
    LoadModel,
    MidiMapEvent,
    ModelSwitched,
    Notify,
    Panic,
    PresetEvent,
    Query,
    Quit,
    RecordScore,
    Sender,
    SetControl,
    SetGlide,
    StartRecording,
    StatusRequest,
    StopRecording,
    StopScore,
    SyncRequest,
    VersionRequest,
)
from server.controls.gestures import Gestures
from server.controls.notify import Notifier, TooManyClients
from server.controls.replies import Argument, Reply
from server.decks.commands import DeckCommands
from server.osc.scheduler import Scheduler
from server.osc.wekinator import Wekinator
from server.presets.commands import PresetCommands
from server.system.callbacks import Then

PROGRAM = "latent-deck"
MODEL_LOAD = "/model/load"


class Dispatcher:
    """An ``EventSink``; what belongs together reaches the desk as one."""

    def __init__(
        self,
        desk: Desk,
        decks: DeckCommands,
        status: Callable[[], Mapping[str, Argument]],
        quit_program: Callable[[], None],
        missing: Mapping[str, str] | None = None,
        *,
        scheduler: Scheduler,
        notifier: Notifier,
        wekinator: Wekinator,
        gestures: Gestures,
        clocks: Clocks,
        presets: PresetCommands,
        set_dump: Callable[[bool], None],
        score_desk: Callable[[Event], None] = lambda event: None,
        record: Callable[[StartRecording | StopRecording | AskRecording], None],
        load_model: Callable[[str, Then], None] = lambda name, then: None,
        adopt_model: Callable[[], None] = lambda: None,
        live: Mapping[str, Callable[[], float]] | None = None,
        bypass_unavailable_reason: Callable[[str], str | None] = lambda deck: None,
        change_output: Callable[[ChangeOutput], None] = lambda event: None,
        change_maps: Callable[[MidiMapEvent], None] = lambda event: None,
    ) -> None:
        """``missing`` are addresses this bundle has nothing for, and in one line why.

        ``live`` says where a value has moved to by itself since it was set,
        ``bypass_unavailable_reason`` in one line why a deck cannot be bypassed, None if it can;
        ``score_desk`` carries out what is asked of scores, ``record`` of the recording,
        ``load_model`` plays another bundle, and ``adopt_model`` is told when one has begun to.
        """
        self._desk = desk
        self._decks = decks
        self._status = status
        self._quit_program = quit_program
        self._missing = missing or {}
        self._scheduler = scheduler
        self._notifier = notifier
        self._wekinator = wekinator
        self._gestures = gestures
        self._clocks = clocks
        self._presets = presets
        self._set_dump = set_dump
        self._score_desk = score_desk
        self._record = record
        self._load_model = load_model
        self._adopt_model = adopt_model
        self._live = live or {}
        self._why_no_recording = bypass_unavailable_reason
        self._change_output = change_output
        self._change_maps = change_maps

    def __call__(self, events: tuple[Event, ...], time_tag: int | None = None) -> None:
        """Take in what belongs together: now, or at its NTP time."""
        events = self._gestures.settings(self._wekinator.settings(events))
        events = self._possible(self._presets.settings(events))
        if time_tag is None or self._scheduler.runs_now(events, time_tag):
            self._desk.apply(events)
            self._follow_up(events, self._clocks.time_of(time_tag))

    def carry_out(self, events: tuple[Event, ...]) -> None:
        """Take in what the instrument itself does, such as its clock: nobody is asked or told why
        not."""
        self._desk.apply(events)
        self._follow_up(events, self._clocks.time_of(None))

    def at_their_time(self, events: tuple[Event, ...], due_s: float, late_s: float) -> None:
        """The timeline has carried out ``events``, ``late_s`` after they were due."""
        if late_s:
            self._scheduler.was_late(events, due_s, late_s)
        self._follow_up(events, due_s)

    def _follow_up(self, events: tuple[Event, ...], at_s: float) -> None:
        """Answer what was asked and tell who wants to know; the desk has taken it in."""
        for event in events:
            self._answer(event)
            self._clocks.follow(event, at_s)
        self._notifier.changed(events)

    def _answer(self, event: Event) -> None:
        match event:
            case Query(address=address):
                live = self._live.get(address)
                event.answer(Reply(address, (live(),)) if live else self._desk.answer(address))
            case SetGlide():
                self._glide(event)
            case StatusRequest():
                event.answer(replies.status(self._status()))
            case VersionRequest():
                event.answer(replies.version(PROGRAM, metadata.version(PROGRAM)))
            case SyncRequest(number=number):
                event.answer(replies.synced(number))
            case LoadDeck() | CaptureDeck() | CancelDeck() | DeckLoaded():
                self._decks.carry_out(event)
            case RecordScore() | StopScore():
                self._score_desk(event)
            case StartRecording() | StopRecording() | AskRecording():
                self._record(event)
            case LoadModel(name=name):
                self._load_model(name, partial(self._tell_model, event, name))
            case ModelSwitched(name=name):
                self._adopt_model()
                self._notifier.tell(Reply(MODEL_LOAD, (name,)), None)
            case Notify(reply_to=sender) if sender is not None:
                sender.reply(self._notify(sender, bool(event.on)))
            case ChangeOutput():
                self._change_output(event)
            case MidiMapEvent():
                self._change_maps(event)
            case Dump():
                self._set_dump(bool(event.on))
                event.answer(replies.done("/dump", event.on))
            case Panic():
                self._scheduler.clear()
            case PresetEvent():
                self._presets.carry_out(event)
            case Quit():
                event.answer(replies.done("/quit"))
                self._quit_program()

    def _glide(self, event: SetGlide) -> None:
        """Answer a question; tell the others of a change."""
        reply = Reply("/glide", (event.address, glide_s(self._desk.snapshot(), event.address)))
        if event.seconds is None:
            event.answer(reply)
        else:
            self._notifier.tell(reply, event.reply_to)

    def _possible(self, events: tuple[Event, ...]) -> tuple[Event, ...]:
        """``events`` without those that there is nothing for here; these are answered."""
        possible = []
        for event in events:
            if why := self.rejection_reason(event, events):
                event.answer(replies.fail(_address(event), why))
            else:
                possible.append(event)
        return tuple(possible)

    def _notify(self, sender: Sender, on: bool) -> Reply:
        """Enter or leave, and the answer to it."""
        if not on:
            return replies.done("/notify", self._notifier.leave(sender))
        try:
            return replies.done("/notify", self._notifier.enter(sender))
        except TooManyClients as error:
            return replies.fail("/notify", str(error))

    def rejection_reason(self, event: Event, among: tuple[Event, ...] = ()) -> str | None:
        """In one line what is missing for it, one ``among`` others."""
        if why := self._clocks.rejection_reason(event, among):
            return why
        if not isinstance(event, SetControl):
            return None
        deck = self._desk.table.controls[event.address].member
        if deck in DECKS and event.address.endswith(BYPASS) and any(event.values):
            return self._why_no_recording(deck)
        return self._missing.get(event.address)

    def adopt(self, gestures: Gestures, wekinator: Wekinator, missing: Mapping[str, str]) -> None:
        """Another model plays: what its controls can do."""
        self._gestures, self._wekinator, self._missing = gestures, wekinator, missing

    def _tell_model(self, event: LoadModel, name: str, failure: str | None) -> None:
        event.answer(replies.outcome(MODEL_LOAD, name, failure))


def _address(event: Event) -> str:
    return event.address if isinstance(event, SetControl) else TAP
