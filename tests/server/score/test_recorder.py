"""A performance recorded as a score and rendered again is the same sound."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from export.audio.arrays import Floats
from export.audio.model_input import Captured
from export.bundle.format import Bundle
from server.controls import events
from server.controls.control import Control
from server.controls.desk import Desk
from server.controls.events import Event
from server.controls.gestures import Gestures
from server.controls.replies import Reply
from server.controls.sample_clock import SampleClock
from server.controls.table import control_table
from server.controls.timeline import Timeline
from server.decks.encoding import DeckEncoder
from server.decks.graphs import graphs_of
from server.engine.deck import DeckData, library_deck
from server.engine.engine import Engine
from server.engine.runtime import RuntimeOptions
from server.engine.session import OrtDecoderSession
from server.engine.structure_prior import open_prior
from server.models.default import open_bundle
from server.output.null import NullOutput
from server.output.producer import Producer
from server.score import recorder
from server.score.lines import head_line
from server.score.recorder import ScoreRecorder
from server.score.score_file import ScoreError, read_score_file
from tests import mini_bundle
from tests.server.control_inputs import ControlRig
from tests.server.test_program import render

RATE, HOP, LATENCY = mini_bundle.RATE_HZ, mini_bundle.HOP, mini_bundle.LATENCY
FRAME_S = HOP / RATE
BLOCK = 3
CPU = RuntimeOptions("cpu")


class Performance:
    """A live session without ports: the engine's thread, and a ring emptied as fast as it fills."""

    def __init__(self, bundle: Bundle, folder: Path) -> None:
        self.table = control_table(bundle.manifest.style_dims, bundle.names)
        self.desk = Desk(self.table, playing=True)
        self.timeline = Timeline(self.desk, SampleClock(FRAME_S, 0.0))
        self.bundle = bundle
        self.recorder = ScoreRecorder(head_line(bundle, BLOCK), FRAME_S, folder)
        self.recorder.follow(self)
        self.timeline.observe(self.recorder.on_states)
        self.engine = Engine(
            bundle.manifest,
            bundle.latents,
            OrtDecoderSession(bundle, CPU, BLOCK),
            self.timeline,
            prior=open_prior(bundle),
            on_deck=self.recorder.on_deck_loaded,
        )
        self.gestures = Gestures(self)
        self.blocks: list[Floats] = []
        self.producer = Producer(
            self.engine, BLOCK, 3, on_audio=lambda samples, _: self.blocks.append(samples)
        )
        self.output_path = self.producer.path_to(NullOutput(RATE, 2))
        self.is_over = False

    @property
    def newest(self) -> Performance:
        """The model that is playing: bundle, table and engine are attributes of this object."""
        return self

    def play(self, perform: Callable[[], None]) -> np.ndarray:
        """The engine's samples during ``hands``."""
        listener = Thread(target=self._listen, daemon=True)
        self.producer.start(self.output_path)
        listener.start()
        perform()
        self.is_over = True
        listener.join()
        self.producer.stop()
        self.recorder.close()
        return np.concatenate(self.blocks)

    def _listen(self) -> None:
        taken = np.zeros((HOP, 2), np.float32)
        while not self.is_over:
            if not self.output_path.ring.read_into(taken):
                time.sleep(0.0005)

    def do(self, *given: Event) -> None:
        """Apply events at once and together."""
        self.desk.apply(one for event in given for one in self.gestures.expand(event))


@pytest.fixture(scope="module")
def decks(bundle_with_prior: Path, recording: Path) -> list[DeckData]:
    bundle = open_bundle(bundle_with_prior)
    encoder = DeckEncoder(graphs_of(bundle), CPU)
    encoded = replace(encoder.encode(recording), source=str(recording))
    samples = np.random.default_rng(6).normal(0, 0.1, 60_000).astype(np.float32)
    live = Captured("capture of a fake", samples, 48_000)
    captured = replace(encoder.encode(live), captured=live)
    return [*(library_deck(one) for one in bundle.decks.values()), encoded, captured]


def random_value(control: Control, random: np.random.Generator) -> tuple[float, ...]:
    assert control.minimum is not None and control.maximum is not None
    values = random.uniform(control.minimum, control.maximum, len(control.types))
    return tuple((values if control.types[0] == "f" else np.round(values)).tolist())


def random_event(performance: Performance, random: np.random.Generator) -> Event:
    table = performance.table
    values = [control for control in table.controls.values() if control.is_value]
    control = values[random.integers(len(values))]
    kinds: list[Callable[[], Event]] = [
        events.Stop,
        events.Panic,
        events.Flatten,
        events.Randomise,
        events.ClearMotion,
        lambda: events.MaxOut(1),
        lambda: events.PlayNote(int(random.integers(30, 60)), int(random.integers(1, 128))),
        lambda: events.PlayNote(performance.desk.snapshot().note.key, 0),
        lambda: events.SetGlide("/interp/style", float(random.uniform(0, 0.3))),
        lambda: events.Morph(
            {f"/latent/{n}": (float(random.uniform(-3, 3)),) for n in range(3)},
            float(random.uniform(0.01, 1)),
        ),
    ]
    kind = int(random.integers(60))
    if kind < len(kinds):
        return kinds[kind]()
    if kind < 12:
        return events.Play()
    if control.address == "/level":
        return events.SetControl("/level", (float(random.uniform(-12, 0)),))
    if control.address == "/mute":
        return events.SetControl("/mute", (float(kind == 30),))
    return events.SetControl(control.address, random_value(control, random))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_performance_rendered_from_its_score_gives_the_same_sound(
    seed: int, bundle_with_prior: Path, decks: list[DeckData], tmp_path: Path
) -> None:
    random = np.random.default_rng(seed)
    performance = Performance(open_bundle(bundle_with_prior), tmp_path)
    performance.recorder.begin_named("take")
    performance.engine.put_deck("a", decks[0])
    performance.engine.put_deck("b", decks[1])
    performance.engine.put_deck("c", decks[-1])

    def perform() -> None:
        for number in range(400):
            if number % 40 == 20:
                lying = decks[random.integers(len(decks))]
                performance.engine.put_deck("abcd"[random.integers(4)], lying)
            event = random_event(performance, random)
            if number % 3:
                performance.do(event)
            else:
                ahead_s = performance.timeline.clock.time_of(performance.timeline.next_frame)
                due_s = ahead_s + float(random.uniform(0, 0.1))
                resolved = performance.gestures.expand(event)
                performance.timeline.schedule(due_s, resolved)
            if number % 50 == 49:
                performance.do(events.Play(), events.SetControl("/mute", (0.0,)))
            time.sleep(float(random.uniform(0, 0.004)))

    played = performance.play(perform)
    score = tmp_path / "take.jsonl"
    assert len(read_score_file(score).lines) > 300
    seconds = len(played) / RATE
    given = ["--score", str(score), "--media", str(tmp_path), "--seconds", f"{seconds:.6f}"]
    again = render(bundle_with_prior, tmp_path / "again.wav", *given)
    assert np.abs(played).max() > 0.05
    difference = np.abs(again[: len(played) - LATENCY] - played[LATENCY:])
    assert difference.max() <= 1e-4, f"at {difference.max(axis=1).argmax() / RATE / FRAME_S} frames"
    assert [path.name for path in tmp_path.glob("*capture*")] == ["take capture 1.wav"]


def lines_in(path: Path) -> list[tuple[float, str, tuple[object, ...]]]:
    file = read_score_file(path)
    return [(round(one.time_s / FRAME_S, 3), one.address, one.arguments) for one in file.lines]


def begun(folder: Path, name: str = "take") -> ControlRig:
    perform = ControlRig(media=folder)
    perform.recorder.begin_named(name)
    return perform


def test_only_changes_are_written_and_each_line_before_the_next_block(
    tmp_path: Path,
) -> None:
    perform = begun(tmp_path)
    perform.render(8)
    perform.desk.apply(
        [events.SetControl("/interp", (0.25,)), events.SetControl("/level", (-12.0,))]
    )
    perform.desk.apply([events.Stop(), events.Panic(), events.Play()])
    perform.render(4)
    perform.desk.apply(
        [events.SetControl("/slice", (4.0,)), events.SetControl("/loop", (0.5, 1.0))]
    )
    perform.desk.apply(
        [events.SetGlide("/latent", 0.5), events.SetControl("/interp/curve", (1.0,))]
    )
    perform.render(4)
    path = tmp_path / "take.jsonl"
    wanted = [
        (8.0, "/panic", ()),
        (8.0, "/play", ()),
        (8.0, "/interp/style", (0.25,)),
        (8.0, "/interp/structure", (0.25,)),
        *((12.0, "/glide", (f"/latent/{n}", 0.5)) for n in range(4)),
        (12.0, "/slice", (4,)),
        (12.0, "/interp/curve", ("spherical",)),
        (12.0, "/position", (0.0,)),
        (12.0, "/loop/start", (0.5,)),
        (12.0, "/loop/end", (1.0,)),
    ]
    while len(lines_in(path)) < len(wanted):
        time.sleep(0.001)
    assert lines_in(path) == wanted  # while it is still open
    perform.recorder.close()
    assert lines_in(path) == wanted
    assert read_score_file(path).end_s == pytest.approx(16 * FRAME_S)


def test_notes_are_recorded_as_they_sound(tmp_path: Path) -> None:
    perform = ControlRig(media=tmp_path)
    perform.put_decks()
    perform.recorder.begin_named("take")
    perform.render(4)
    for played in (
        (events.PlayNote(40, 100), events.PlayNote(40, 0)),
        (events.PlayNote(41, 90),),
        (events.PlayNote(40, 0),),
        (events.PlayNote(41, 80),),
        (events.Stop(),),
    ):
        perform.dispatch(played)
        perform.render(4)
    perform.recorder.close()
    found = read_score_file(tmp_path / "take.jsonl").lines
    notes = [one for one in found if one.address == "/note"]
    assert [(round(one.time_s / FRAME_S), one.arguments) for one in notes] == [
        (4, (40, 100)),
        (4, (40, 0)),
        (8, (41, 90)),
        (16, (41, 80)),
        (20, (41, 0)),
    ]


@pytest.mark.parametrize("is_held", [True, False])
def test_a_score_begun_during_a_held_note_begins_with_that_note(
    is_held: bool, tmp_path: Path
) -> None:
    perform = ControlRig(media=tmp_path)
    perform.put_decks()
    perform.dispatch((events.PlayNote(40, 100),))
    perform.dispatch(() if is_held else (events.PlayNote(40, 0),))
    perform.render(4)
    perform.recorder.begin_named("take")
    perform.render(4)
    perform.recorder.close()
    told = [one[1:] for one in lines_in(tmp_path / "take.jsonl") if one[1] == "/note"]
    assert told == ([("/note", (40, 100))] if is_held else [])


def test_looped_motion_is_recorded_as_value_changes(tmp_path: Path) -> None:
    perform = begun(tmp_path)
    for on, address, value in ((1, "/level", -3.0), (0, "/level", -6.0)):
        perform.desk.apply([events.SetControl("/motion/record", (float(on),))])
        perform.render(4)
        perform.desk.apply([events.SetControl(address, (value,))])
        perform.render(4)
    perform.desk.apply([events.SetControl("/motion/play", (1.0,))])
    perform.render(16)
    perform.recorder.close()
    told = lines_in(tmp_path / "take.jsonl")
    assert {address for _, address, _ in told} == {"/level"}
    assert [frame for frame, _, _ in told] == [4.0, 12.0, 16.0, 20.0, 24.0, 28.0]


def test_a_score_begun_later_begins_with_the_current_state(tmp_path: Path) -> None:
    perform = ControlRig(media=tmp_path)
    perform.engine.put_deck("b", library_deck(mini_bundle.bundle().decks["high"]))
    perform.desk.apply(
        [events.SetControl("/level", (-3.0,)), events.SetControl("/position", (0.5,))]
    )
    perform.render(16)
    perform.desk.apply([events.Panic()])
    perform.render(16)
    perform.recorder.begin_named("later")
    perform.render(4)
    position = perform.engine.position
    perform.recorder.close()
    assert lines_in(tmp_path / "later.jsonl") == [
        (0.0, "/stop", ()),
        (0.0, "/level", (-3.0,)),
        (0.0, "/position", (position,)),
        (0.0, "/deck/b/load", ("high",)),
    ]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../take", "is not a name for a score"),
        ("/etc/passwd", "is not a name"),
        (".hidden", "is not a name"),
        ("a" * 90, "is not a name"),
        ("", "is not a name"),
        ("nul\0", "is not a name"),
        ("there", "exists already"),
    ],
)
def test_unsafe_or_taken_score_names_are_refused(name: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "there.jsonl").write_text("precious")
    perform = ControlRig(media=tmp_path)
    with pytest.raises(ScoreError, match=words):
        perform.recorder.begin_named(name)
    assert [path.name for path in tmp_path.iterdir()] == ["there.jsonl"]
    assert (tmp_path / "there.jsonl").read_text() == "precious"


def test_a_second_score_recording_and_ending_none_are_refused(tmp_path: Path) -> None:
    perform = begun(tmp_path)
    with pytest.raises(ScoreError, match=r"take.jsonl is being recorded; /score/stop"):
        perform.recorder.begin_named("other")
    perform.recorder.end()
    with pytest.raises(ScoreError, match="no score is being recorded"):
        perform.recorder.end()
    perform.recorder.begin_named("other")  # before the engine has seen the end
    perform.render(4)
    perform.recorder.close()
    for name in ("take", "other"):
        assert read_score_file(tmp_path / f"{name}.jsonl").end_s is not None


def test_after_a_crash_the_score_goes_on_in_the_next_free_file_or_stops(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    perform = begun(tmp_path)
    perform.render(4)
    perform.recorder.close()
    perform.recorder.go_on(tmp_path / "take.jsonl")
    assert perform.recorder.name == "take-2.jsonl"
    perform.recorder.close()
    perform.recorder.go_on(tmp_path / "none" / "take.jsonl")
    assert not perform.recorder.name and "does not continue" in caplog.text


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    perform = ControlRig(media=tmp_path / "none")
    with pytest.raises(ScoreError, match="cannot write"):
        perform.recorder.begin_named("take")


def test_a_full_disk_ends_the_score_with_whole_lines_and_the_sound_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class SmallDisk(recorder.FileIO):
        room = 400

        def write(self, data: bytes) -> int:  # type: ignore[override]
            if not self.room:
                raise OSError(28, "No space left on device")
            written = super().write(data[: self.room])
            self.room -= written
            return written

    monkeypatch.setattr(recorder, "FileIO", SmallDisk)
    perform = begun(tmp_path)
    perform.put_decks()
    for number in range(50):
        perform.desk.apply([events.SetControl("/level", (-float(number),))])
        perform.render(4)
    while perform.recorder.name:
        time.sleep(0.001)
    steps = len(perform.session.styles)
    perform.render(8)
    assert len(perform.session.styles) == steps + 2
    assert "ends early: cannot write" in caplog.text and "No space left" in caplog.text
    assert (tmp_path / "take.jsonl").stat().st_size < 400
    read_score_file(tmp_path / "take.jsonl")
    perform.recorder.close()


def test_a_hanging_disk_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(recorder, "MAX_PENDING", 5)
    stuck = Thread(target=time.sleep, args=(0.2,))
    monkeypatch.setattr(recorder, "write_all", lambda file, data: stuck.join())
    stuck.start()
    perform = begun(tmp_path)
    for number in range(20):
        perform.desk.apply([events.SetControl("/level", (-float(number),))])
        perform.render(4)
    assert not perform.recorder.name
    perform.recorder.close()
    assert "it cannot be written fast enough" in caplog.text


def test_a_deck_that_no_file_can_restore_is_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    perform = begun(tmp_path)
    perform.put_decks()
    perform.render(4)
    perform.recorder.close()
    assert "cannot load a again, which is on deck a" in caplog.text


def test_score_stop_is_answered_when_the_file_is_complete(tmp_path: Path) -> None:
    perform = begun(tmp_path)
    perform.render(4)
    perform.dispatch((events.StopScore(reply_to=perform.sender),))
    perform.dispatch((events.StopScore(reply_to=perform.sender),))
    (refused,) = perform.sender.replies
    assert refused.address == "/fail" and refused.arguments[0] == "/score/stop"
    perform.render(4)
    perform.recorder.close()
    assert perform.sender.replies[1] == Reply("/done", ("/score/stop", "take.jsonl"))
