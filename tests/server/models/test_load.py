"""Another bundle while the music plays: crossfaded; a bad one changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pythonosc.osc_message import OscMessage

from export.audio.model_input import Captured
from export.bundle.archive import write_bundle
from export.bundle.format import Bundle
from server.controls.carry import carried
from server.controls.desk import Desk
from server.controls.events import PlayNote, SetControl, SetGlide, Stop
from server.controls.sample_clock import SampleClock
from server.controls.table import control_table
from server.controls.timeline import Timeline
from server.decks.media import MediaError
from server.decks.reading import Source
from server.engine.deck import DeckData, library_deck
from server.engine.runtime import RuntimeOptions
from server.models.carried_decks import decks_for
from server.models.model_controls import switched_to
from server.models.preparing import bundle_below, prepare_model
from server.models.switch import FADE_S, ModelSwitch
from tests import mini_bundle
from tests.server.fakes import fake_deck
from tests.server.live_server import Playing, playing

RATE, HOP = mini_bundle.RATE_HZ, mini_bundle.HOP
CPU = RuntimeOptions("cpu")
BLOCK = 4


def other(**changes: object) -> Bundle:
    """The mini bundle with another name and other library decks."""
    made = mini_bundle.bundle()
    decks = {
        "low": replace(made.decks["low"], style_mean=made.decks["low"].style_mean + 1),
        "new": replace(made.decks["high"], slug="new", title="New"),
    }
    values: dict[str, Any] = {"manifest": mini_bundle.manifest(name="other"), "decks": decks}
    return replace(made, **{**values, **changes})


@pytest.fixture
def media(tmp_path: Path) -> Path:
    write_bundle(tmp_path / "other.bundle", other())
    slow = mini_bundle.manifest(name="slow", sample_rate_hz=8000)
    write_bundle(tmp_path / "rate.bundle", other(manifest=slow))
    whole = (tmp_path / "other.bundle").read_bytes()
    (tmp_path / "cut.bundle").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.bundle").write_text("no bundle")
    bad = {
        name: replace(deck, style_mean=np.full_like(deck.style_mean, 3e38))
        for name, deck in mini_bundle.bundle().decks.items()
    }
    write_bundle(tmp_path / "nan.bundle", other(decks=bad))
    return tmp_path


# The desk


def test_values_are_carried_over_by_name_or_else_by_number() -> None:
    before = control_table(4, ["bright", "rough", None, None])
    now = control_table(6, ["rough", None, None, "bright", "new"])
    desk = Desk(before, playing=True)
    desk.apply([SetControl("/latent", (0.1, 0.2, 0.3, 0.4)), SetControl("/level", (-3.0,))])
    desk.apply([SetGlide("/named/bright", 0.7), SetControl("/motion/record", (1.0,))])
    state = carried(desk.snapshot(), now, "x")
    # bright 0 -> 3, rough 1 -> 0; 1 was rough and has no name now; 2 keeps its number.
    assert state.vector("/latent") == (0.2, 0.0, 0.3, 0.1, 0.0, 0.0)
    assert state.value("/level") == -3.0 and state.value("/motion/record") == 0.0
    assert state.smoothing_s[now.slots["/latent/3"][0]] == 0.7
    assert state.playing and state.model == "x" and state.table is now


def test_a_model_with_fewer_dimensions_keeps_the_first_offsets() -> None:
    desk = Desk(control_table(4))
    desk.apply([SetControl("/latent", (0.1, 0.2, 0.3, 0.4))])
    assert carried(desk.snapshot(), control_table(2), "x").vector("/latent") == (0.1, 0.2)


# The fade


class Rig:
    """The engine's side of a change of models, without threads."""

    def __init__(self) -> None:
        bundle = mini_bundle.bundle()
        self.desk = Desk(control_table(bundle.manifest.style_dims), playing=True)
        self.desk.apply([SetControl("/level", (0.0,))])
        self.timeline = Timeline(self.desk, SampleClock(HOP / RATE))
        first = prepare_model(bundle, CPU, BLOCK, lambda *_: None, table=self.desk.table)
        first.engine.put_deck("a", library_deck(bundle.decks["low"]))
        self.switch = ModelSwitch(self.timeline, first)

    def change(self, bundle: Bundle) -> None:
        model = prepare_model(bundle, CPU, BLOCK, lambda *_: None, name="other")
        model.engine.put_deck("a", library_deck(next(iter(bundle.decks.values()))))
        self.switch.offer(model)
        self.desk.apply([switched_to(model)])

    def render(self, seconds: float) -> np.ndarray:
        blocks = round(seconds * RATE / HOP / BLOCK)
        return np.concatenate([self.switch.render(BLOCK)[0] for _ in range(blocks)])


def test_the_new_model_fades_in_without_a_click_or_a_gap() -> None:
    rig, alone = Rig(), Rig()
    before = rig.render(0.5)
    rig.change(other())
    assert rig.switch.is_fading
    during = rig.render(FADE_S)
    after = rig.render(0.5)
    assert not rig.switch.is_fading
    np.testing.assert_array_equal(before, alone.render(0.5))
    steepest = max(np.abs(np.diff(part)).max() for part in (before, after))
    joined = np.concatenate([before, during, after])
    assert np.abs(np.diff(joined)).max() <= 1.5 * steepest
    powers = [float((part**2).mean()) for part in np.split(during[: len(during) // 5 * 5], 5)]
    lowest = min(float((part**2).mean()) for part in (before, after))
    assert min(powers) > 0.25 * lowest
    assert np.abs(after - alone.render(FADE_S + 0.5)[-len(after) :]).max() > 0.01


def test_a_model_with_other_dimensions_and_changes_during_a_fade_work() -> None:
    rig = Rig()
    rig.render(0.1)
    wide = wider()
    for _ in range(3):
        rig.change(wide)
        assert np.isfinite(rig.render(FADE_S / 3)).all()
    rig.render(FADE_S)
    assert not rig.switch.is_fading
    assert len(rig.switch._models) == 1  # silent models are dropped
    rig.desk.apply([SetControl("/latent/4", (1.0,))])
    assert np.isfinite(rig.render(0.1)).all()


def wider() -> Bundle:
    """The mini bundle with one more style dimension."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mini_bundle, "STYLE_DIMS", mini_bundle.STYLE_DIMS + 1)
        return mini_bundle.bundle(
            decoder_onnx=mini_bundle.decoder_onnx.__wrapped__(),
            encoder_onnx=mini_bundle.encoder_onnx.__wrapped__(),
        )


def test_changing_the_model_keeps_the_position() -> None:
    rig = Rig()
    rig.render(0.1)
    there = rig.switch.newest.engine.position
    rig.change(other())
    rig.render(BLOCK * HOP / RATE)
    moved = BLOCK / (mini_bundle.DECK_TICKS * mini_bundle.TICK_FRAMES)
    assert rig.switch.newest.engine.position == pytest.approx(there + moved)


@pytest.mark.parametrize("is_held", [True, False])
def test_a_held_note_goes_on_in_the_new_model_and_a_released_one_does_not_sound_again(
    is_held: bool,
) -> None:
    rig = Rig()
    rig.desk.apply([Stop(), PlayNote(40, 127)])
    rig.desk.apply([] if is_held else [PlayNote(40, 0)])
    rig.render(0.5)
    rig.change(other())
    sound = rig.render(0.5)
    assert sound[-HOP:].any() if is_held else not sound.any()


# The decks


def test_decks_are_carried_over_by_name_re_encoded_from_their_file_or_replaced() -> None:
    before, now = mini_bundle.bundle(), other()
    low, high = (library_deck(before.decks[name]) for name in ("low", "high"))
    file = replace(low, name="song", source="song.ogg")
    captured = replace(low, name="captured", source="")
    said: list[str] = []
    encoded: list[Source] = []

    def encode(path: Source) -> DeckData:
        encoded.append(path)
        return replace(low, name="song")

    lying = {"a": low, "b": high, "c": file, "d": captured}
    found = decks_for(now, before, lying, Path("media"), encode, said.append)
    assert {deck: data.source for deck, data in found.items()} == {
        "a": "low",
        "b": "new",
        "c": "song.ogg",
        "d": "new",
    }
    assert encoded == [Path("media/song.ogg")]
    np.testing.assert_array_equal(found["a"].style_mean, now.decks["low"].style_mean)
    assert said == [
        "deck b: bundle 'other' has no high, so new takes its place",
        "deck d: bundle 'other' has no captured, so new takes its place",
    ]


def test_a_capture_is_re_encoded_from_its_sound() -> None:
    before, now = mini_bundle.bundle(), other()
    sound = Captured("capture of Mic", np.zeros(4, np.float32), 48_000)
    heard = replace(fake_deck("capture of Mic", 0.5), captured=sound)
    encoded: list[Source] = []

    def encode(source: Source) -> DeckData:
        encoded.append(source)
        return replace(heard, name="anew")

    found = decks_for(now, before, {"b": heard}, Path("media"), encode, lambda said: None)
    assert (found["b"].name, found["b"].source, found["b"].captured) == ("anew", "", sound)
    assert encoded == [sound]


@pytest.mark.parametrize("name", ["../other", "/etc/passwd", "nul\0", "a" * 5000, "none", "."])
def test_loading_a_bundle_outside_the_media_folder_fails(name: str, media: Path) -> None:
    folder = media / "inside"
    folder.mkdir()
    with pytest.raises(MediaError, match="is not a bundle in the media folder"):
        bundle_below(name, folder)


# Live


@contextmanager
def server(bundle_path: Path, media: Path, *more: str) -> Iterator[Playing]:
    with playing(bundle_path, "--media", str(media), *more) as live:
        yield live


def status(live: Playing) -> dict[str, object]:
    answer = list(live.ask("/status"))
    return dict(zip(answer[::2], answer[1::2], strict=True))


def answer_to(message: OscMessage) -> list[object]:
    return [message.address, *message.params]


def test_a_bundle_is_loaded_while_playing_with_its_library_decks_and_encoder(
    bundle_path: Path, media: Path, recording: Path
) -> None:
    (media / "song.wav").write_bytes(recording.read_bytes())
    with server(bundle_path, media) as live:
        assert answer_to(live.ask("/deck/b/load", "song.wav"))[0] == "/done"
        late = status(live)["late_blocks"]
        assert answer_to(live.ask("/model/load", "other")) == ["/done", "/model/load", "other"]
        assert status(live)["bundle"] == "other"
        print(late, status(live)["late_blocks"])
        assert answer_to(live.ask("/deck/a/load", "new")) == ["/done", "/deck/a/load", "new"]
        assert answer_to(live.ask("/deck/a/load", "high"))[0] == "/fail"
        assert answer_to(live.ask("/deck/c/load", "song.wav"))[0] == "/done"
        told = status(live)
        assert told["failed_blocks"] == 0 and told["playing"] == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cut", "no complete bundle"),
        ("text", "no complete bundle"),
        ("nan", "does not decode to sound"),
        ("rate", "8000 Hz, frames of 64 samples and 1 channels; the one that plays has 16000 Hz"),
        ("none", "is not a bundle in the media folder"),
    ],
)
def test_a_bad_bundle_fails_and_the_old_one_plays_on(
    name: str, words: str, bundle_path: Path, media: Path
) -> None:
    with server(bundle_path, media) as live:
        address, command, why = answer_to(live.ask("/model/load", name))
        assert (address, command) == ("/fail", "/model/load") and words in str(why)
        told = status(live)
        assert told["bundle"] == "mini" and told["failed_blocks"] == 0
        assert answer_to(live.ask("/deck/a/load", "high"))[0] == "/done"


def test_a_bundle_whose_encoder_cannot_encode_the_loaded_decks_is_refused(
    bundle_path: Path, media: Path, recording: Path
) -> None:
    bad = replace(wider(), encoder_onnx=mini_bundle.encoder_onnx())
    write_bundle(media / "bad.bundle", bad)
    (media / "song.wav").write_bytes(recording.read_bytes())
    with server(bundle_path, media) as live:
        assert answer_to(live.ask("/deck/a/load", "song.wav"))[0] == "/done"
        address, _, why = answer_to(live.ask("/model/load", "bad"))
        assert address == "/fail" and "bundle 'mini' cannot play the loaded decks" in str(why)
        assert answer_to(live.ask("/model/load", "other"))[0] == "/done"


def test_the_newer_of_two_model_loads_wins(bundle_path: Path, media: Path) -> None:
    with server(bundle_path, media) as live:
        live.tell("/model/load", "other")
        live.tell("/model/load", "other.bundle")
        answers = sorted(str(answer_to(live.receive())) for _ in range(2))
        assert answers == [
            "['/done', '/model/load', 'other.bundle']",
            "['/fail', '/model/load', 'replaced by a newer /model/load']",
        ]
