"""A sound card in its process: played, changed, unplugged and plugged in while playing."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from export.audio.arrays import Floats
from server.output.choice import CardChoice, OutputChoice
from server.output.live_output import LiveOutput
from server.output.null import NullOutput
from server.output.output_path import OutputPath
from server.output.producer import Producer
from server.output.protocol import NoSoundCard, Output, OutputError
from server.output.soundcard import SoundCardOutput
from tests import mini_bundle
from tests.server.output.test_card_stream import request
from tests.server.output.test_producer import engine
from tests.waiting import until

CARD, NOTHING = OutputChoice("soundcard"), OutputChoice("null")


class Rig:
    """An engine that plays on a fake card, plugged in while a file exists."""

    def __init__(self, folder: Path, mode: str) -> None:
        self.folder = folder
        self.command = (sys.executable, "-m", "tests.server.fake_card_process", mode, str(folder))
        self.reports: list[str] = []
        self.told: list[str | None] = []
        self.plug()
        self.producer = Producer(engine(), 4, 3)
        self.live = LiveOutput(
            CARD,
            self.open_path(CARD),
            self.open_path,
            self.producer.switch,
            retry_s=0.1,
        )
        self.live.report = lambda: self.reports.append(self.live.state)
        self.producer.start(self.live.path)
        self.live.start()

    def open_path(self, choice: OutputChoice) -> OutputPath:
        return self.producer.path_to(self.open(choice))

    def open(self, choice: OutputChoice) -> Output:
        if choice.kind == "null":
            return NullOutput(mini_bundle.RATE_HZ)
        return SoundCardOutput(request(device=choice.target), self.command)

    def plug(self) -> None:
        (self.folder / "plugged").touch()

    def pull(self) -> None:
        (self.folder / "plugged").unlink()

    def played(self) -> np.ndarray:
        """The first channel of all that the card has received."""
        data = (self.folder / "played").read_bytes()
        return np.frombuffer(data[: len(data) // 8 * 8], np.float32)[::2]

    def change(self, choice: OutputChoice) -> str | None:
        before = len(self.told)
        self.live.change(choice, self.told.append)
        until(lambda: len(self.told) > before)
        return self.told[-1]

    def stop(self) -> None:
        self.live.stop()
        self.producer.stop()


@pytest.fixture(params=["dies", "hangs"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path, request.param)
    yield made
    made.stop()


def test_an_unplugged_card_is_lost_and_comes_back_with_a_fade(rig: Rig) -> None:
    until(lambda: len(rig.played()) > 4800)
    rig.pull()
    until(lambda: rig.reports == ["lost"])
    assert (rig.live.choice, rig.live.losses) == (CARD, 1)
    blocks = rig.producer.timings.count
    until(lambda: rig.producer.timings.count > blocks + 20)  # time goes on
    before = len(rig.played())
    rig.plug()
    until(lambda: rig.reports == ["lost", "playing"])
    until(lambda: len(rig.played()) > before + 9600)
    back = rig.played()[before:]
    begins = int(np.flatnonzero(back)[0])
    assert np.abs(back[begins : begins + 48]).max() < 0.02
    assert np.abs(back[begins + 960 :]).max() > 0.05


def test_the_output_can_be_changed_and_a_bad_choice_changes_nothing(rig: Rig) -> None:
    until(lambda: len(rig.played()) > 4800)
    failure = rig.change(OutputChoice("soundcard", "Gramophone"))
    assert failure is not None and "no sound card 'Gramophone'; available: 0 Card 0" in failure
    assert (rig.live.choice, rig.live.state, rig.reports) == (CARD, "playing", [])
    assert rig.change(NOTHING) is None
    assert (rig.live.choice, rig.reports) == (NOTHING, ["playing"])
    sound = rig.played()
    assert np.abs(sound[np.flatnonzero(sound)[-24:]]).max() < 0.02  # it faded
    blocks = rig.producer.timings.count
    until(lambda: rig.producer.timings.count > blocks + 20)
    assert rig.change(CARD) is None
    count = len(rig.played())
    until(lambda: len(rig.played()) > count + 4800)
    assert np.abs(rig.played()[-960:]).max() > 0.05


def test_another_output_can_be_chosen_while_the_card_is_lost(rig: Rig) -> None:
    rig.pull()
    until(lambda: rig.live.state == "lost")
    assert rig.change(NOTHING) is None
    assert rig.live.state == "playing"
    rig.plug()
    time.sleep(0.3)
    assert rig.live.choice == NOTHING


def test_a_missing_card_fails_and_leaves_no_process(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "tests.server.fake_card_process", "hangs", str(tmp_path))
    with pytest.raises(NoSoundCard):
        SoundCardOutput(request(), command)
    with pytest.raises(OutputError, match="does not answer"):
        SoundCardOutput(request(), (sys.executable, "-c", ""))


class Silent(NullOutput):
    """Takes nothing."""

    def start(self, ring: object) -> None:
        pass


def stereo(left: float, right: float) -> Floats:
    return np.repeat(np.float32([[left], [right]]), 256, axis=1)


def test_a_mono_output_plays_the_middle() -> None:
    path = Producer(engine(), 4, 3).path_to(Silent(mini_bundle.RATE_HZ, 1))
    path.write(stereo(0.5, -0.25))
    taken = np.zeros((256, 1), np.float32)
    assert path.ring.read_into(taken) == 256
    np.testing.assert_array_equal(taken, 0.125)


def test_only_the_chosen_channel_pairs_are_played() -> None:
    output = Silent(mini_bundle.RATE_HZ, 6)
    path = Producer(engine(), 4, 3).path_to(output, CardChoice(main=(3, 2), cue=(5, 6)))
    main, cue = stereo(0.5, 0.4), stereo(0.25, 0.2)
    path.write(main, cue)
    path.write(main)
    taken = np.zeros((512, 6), np.float32)
    assert path.ring.read_into(taken) == 512
    np.testing.assert_array_equal(taken[0], np.float32([0, 0.4, 0.5, 0, 0.25, 0.2]))
    np.testing.assert_array_equal(taken[-1], np.float32([0, 0.4, 0.5, 0, 0, 0]))
