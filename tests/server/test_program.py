"""``python -m server`` as a whole: renders files, plays live, and fails in one line."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder, build_msg

from export.bundle.archive import write_bundle
from server.command_line import questions
from server.controls.replies import STATUS_NAMES
from server.engine.bench import bench
from server.engine.runtime import RuntimeOptions
from server.program import main
from tests import mini_bundle
from tests.server.live_server import playing

RATE = mini_bundle.RATE_HZ


@pytest.fixture(autouse=True)
def no_side_effects() -> Iterator[None]:
    """Restore the signal handler that ``main`` replaces."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def render(bundle: Path, path: Path, *arguments: str) -> np.ndarray:
    code = main(["--bundle", str(bundle), "--output", f"wav:{path}", *arguments])
    assert code == 0
    return np.asarray(soundfile.read(path, dtype="float32")[0])


def test_rendering_lasts_as_long_as_the_longer_deck(bundle_path: Path, tmp_path: Path) -> None:
    audio = render(bundle_path, tmp_path / "x.wav", "--set", "/level=0")
    longer = max(deck.seconds for deck in mini_bundle.bundle().decks.values())
    assert len(audio) == round(longer * RATE)
    assert np.abs(audio).max() > 0.02


def test_rendering_a_recording_is_reproducible_and_lasts_the_given_seconds(
    bundle_path: Path, recording: Path, tmp_path: Path
) -> None:
    paths = [tmp_path / "one.wav", tmp_path / "two.wav"]
    for path in paths:
        audio = render(bundle_path, path, "--deck-a", str(recording), "--seconds", "1.5")
        assert len(audio) == 1.5 * RATE
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_values_set_on_the_command_line_do_not_glide(bundle_path: Path, tmp_path: Path) -> None:
    loud = render(bundle_path, tmp_path / "x.wav", "--set", "/level=0")
    quiet = render(bundle_path, tmp_path / "y.wav", "--set", "/level=-20")
    np.testing.assert_allclose(quiet, loud / 10, atol=1e-6)


def test_interp_moves_from_one_deck_to_the_other(bundle_path: Path, tmp_path: Path) -> None:
    both = [
        render(bundle_path, tmp_path / "x.wav", "--set", f"/interp={value}", "--seconds", "0.3")
        for value in (0, 1)
    ]
    low, high = (
        render(bundle_path, tmp_path / "x.wav", "--deck-a", name, "--seconds", "0.3")
        for name in ("low", "high")
    )
    np.testing.assert_array_equal(both[0], low)
    np.testing.assert_array_equal(both[1], high)


def test_generate_is_reproducible_and_differs_from_the_loop(
    bundle_with_prior: Path, tmp_path: Path
) -> None:
    loop, one, two, cold = (
        render(bundle_with_prior, tmp_path / f"{name}.wav", "--seconds", "3", *arguments)
        for name, arguments in (
            ("loop", []),
            ("one", ["--generate"]),
            ("two", ["--set", "/generate=1"]),
            ("cold", ["--generate", "--set", "/generate/temperature=0"]),
        )
    )
    assert len(one) == 3 * RATE
    np.testing.assert_array_equal(one, two)
    assert np.abs(one - loop).max() > 0.01
    assert np.abs(one - cold).max() > 0.001


def bad(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--bundle", "{bad}"], "no complete bundle"),
        (["--bundle", "/no/such.bundle"], "/no/such.bundle"),
        (["--set", "/nope=1"], "/nope"),
        (["--generate"], "no prior over structure"),
        (["--set", "/generate=0.5"], "no prior over structure"),
        (["--set", "/interp=2"], "out of range"),
        (["--set", "/interp"], "ADDRESS=VALUE"),
        (["--set", "/interp=nan"], "/interp"),
        (["--set", "/cue=a"], "--cue 3,4"),
        (["--deck-a", "/no/such.wav"], "--list-decks"),
        (["--deck-a", "{bad}"], "cannot be read as audio"),
        (["--deck-a", "{silent}"], "silent"),
        (["--deck-a", "{short}"], "0.20 s"),
        (["--output", "wav:/no/such/folder/x.wav"], "cannot write"),
    ],
)
def test_failing_to_render_prints_one_line_and_exits_with_2(
    arguments: list[str],
    words: str,
    bundle_path: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    soundfile.write(tmp_path / "silent.wav", np.zeros(RATE), RATE)
    soundfile.write(tmp_path / "short.wav", np.ones(RATE // 5), RATE)
    (tmp_path / "bad.wav").write_bytes(b"RIFF nothing")
    names = {name: str(tmp_path / f"{name}.wav") for name in ("bad", "silent", "short")}
    filled = [argument.format(**names) for argument in arguments]
    given = ["--bundle", str(bundle_path), "--output", f"wav:{tmp_path / 'x.wav'}", *filled]
    assert main(given) == 2
    said = capsys.readouterr()
    assert not said.out
    assert said.err.count("\n") == 1
    assert words in said.err
    assert not (tmp_path / "x.wav").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--device", "cuda"], "uv run --extra cuda"),
        (["--osc", "127.0.0.1:{taken}"], "--osc"),
        (["--osc", "192.0.2.1:9000"], "192.0.2.1"),
        (["--output", "soundcard:Gramophone"], ""),
        (["--wekinator", "/interp,/intrep"], "/intrep: no such control for --wekinator"),
        (["--midi", "Theremin"], "Theremin"),
        (["--deck-a", "nowhere"], "nowhere"),
        (["--generate"], "no prior over structure"),
        (["--record", "/no/such/folder/x.flac"], "cannot write '/no/such/folder/x.flac'"),
        (["--input", "Gramophone"], "--input Gramophone"),
    ],
)
def test_failing_to_play_prints_one_line_and_exits_with_2(
    arguments: list[str],
    words: str,
    bundle_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("server.engine.runtime._has_nvidia_driver", lambda: False)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", 0))
        taken = holder.getsockname()[1]
        filled = [argument.format(taken=taken) for argument in arguments]
        usual = ["--output", "null", "--osc", "127.0.0.1:0", "--midi", "none", "--seconds", "1"]
        assert main(["--bundle", str(bundle_path), *usual, *filled]) == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert words in said.err


def test_playing_with_a_bad_deck_file_exits_with_2(
    bundle_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.wav").write_bytes(b"RIFF nothing")
    usual = ["--output", "null", "--osc", "none", "--midi", "none", "--seconds", "30"]
    deck = ["--deck-a", str(tmp_path / "bad.wav")]
    assert main(["--bundle", str(bundle_path), *usual, *deck]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "cannot be read as audio" in said


def test_decks_and_controls_are_listed(
    bundle_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--bundle", str(bundle_path), "--list-decks"]) == 0
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == ["low", "high"]
    assert main(["--bundle", str(bundle_path), "--list-controls"]) == 0
    listed = capsys.readouterr().out
    for address in ("/interp", "/latent", "/deck/{a,b,c,d}/load", "/panic"):
        assert address in listed


def test_a_deck_is_listed_with_its_tempo(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    low = replace(mini_bundle.deck("low", 0.2, 1), tempo_bpm=96.4, first_beat_s=0.1)
    write_bundle(tmp_path / "one.bundle", mini_bundle.bundle(decks={"low": low}))
    assert main(["--bundle", str(tmp_path / "one.bundle"), "--list-decks"]) == 0
    assert " s, 96 bpm (" in capsys.readouterr().out


def test_devices_are_listed_or_reported_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list-devices"]) == 0
    listed = capsys.readouterr().out
    assert "sound card" in listed
    assert "MIDI input" in listed


def test_the_bench_has_a_row_for_each_block_and_thread() -> None:
    rows = list(bench(mini_bundle.bundle(), RuntimeOptions("cpu"), blocks=20))
    assert {(row.block_samples, row.threads) for row in rows} == {
        (samples, threads) for samples in (256, 512, 1024, 2048) for threads in (1, 2)
    }
    for row in rows:
        assert row.provider == "CPUExecutionProvider"
        assert row.block_ms == pytest.approx(1e3 * row.block_samples / RATE)
        assert 0 < row.p50_ms <= row.p99_ms <= row.p999_ms


def test_the_bench_prints_one_json_object_per_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.engine.bench.BENCH_SAMPLES", (512,))
    monkeypatch.setattr(questions, "bench", partial(bench, blocks=5))
    lines = list(questions.bench_lines(mini_bundle.bundle(), RuntimeOptions("cpu"), True))
    assert set(json.loads(lines[0])) == {
        "block_samples",
        "block_ms",
        "threads",
        "decks",
        "provider",
        "p50_ms",
        "p99_ms",
        "p999_ms",
    }


def timed(ahead_s: float, address: str, value: float) -> bytes:
    builder = OscBundleBuilder(time.time() + ahead_s)
    builder.add_content(build_msg(address, value))
    return builder.build().dgram


def test_a_whole_live_session_over_osc(bundle_path: Path, recording: Path) -> None:
    with playing(bundle_path, "--media", str(recording.parent)) as server:
        assert server.ask("/interp").params == [0.0]
        server.client.send(OscMessageBuilder("/interp").build().dgram)
        server.client.recv(65536)
        answer = server.ask("/deck/b/load", "noise.wav")
        assert (answer.address, answer.params) == ("/done", ["/deck/b/load", "noise.wav"])
        answer = server.ask("/deck/b/load", "../mini.bundle")
        assert (answer.address, answer.params[0]) == ("/fail", "/deck/b/load")
        assert server.ask("/version").params[:3] == ["latent-deck", 0, 1]
        assert server.ask("/sync", 3).params == [3]
        assert server.ask("/nope").address == "/fail"
        answer = server.ask("/generate", 1)
        assert (answer.address, answer.params[0]) == ("/fail", "/generate")
        assert "training.fit --stage 4" in answer.params[1]
        assert server.ask("/generate").params == [0.0]
        server.client.send(timed(0.5, "/level", -3.0))
        assert server.ask("/level").params == [-12.0]
        begin_s = time.monotonic()
        while server.ask("/level").params != [-3.0]:
            assert time.monotonic() < begin_s + 20
        assert time.monotonic() > begin_s + 0.3
        status = server.ask("/status").params
        figures = dict(zip(status[::2], status[1::2], strict=True))
        assert (figures["osc_late"], figures["osc_waiting"]) == (0, 0)
        assert [name for name, _ in STATUS_NAMES] == status[: 2 * len(STATUS_NAMES) : 2]
        assert figures["bundle"] == "mini"
        assert figures["model_rate_hz"] == RATE
        assert figures["block_samples"] == 4 * mini_bundle.HOP
        assert figures["osc_rejected"] == 1
        assert figures["playing"] == 1
        assert figures["decode_p50_ms"] > 0
        assert server.ask("/quit").params == ["/quit"]
        assert server.process.wait(timeout=30) == 0


def test_generate_runs_live_without_failures(bundle_with_prior: Path) -> None:
    with playing(bundle_with_prior, "--generate") as server:
        assert server.ask("/generate").params == [1.0]
        server.client.send(OscMessageBuilder("/generate/temperature").build().dgram)
        assert OscMessage(server.client.recv(65536)).params == [1.0]
        status = server.ask("/status").params
        figures = dict(zip(status[::2], status[1::2], strict=True))
        assert (figures["failed_ticks"], figures["failed_blocks"]) == (0, 0)
        assert server.ask("/quit").params == ["/quit"]
        assert server.process.wait(timeout=30) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_the_server_with_exit_code_0(bundle_path: Path, number: signal.Signals) -> None:
    with playing(bundle_path) as server:
        os.kill(server.process.pid, number)
        assert server.process.wait(timeout=30) == 0


def test_the_server_never_imports_torch_and_uses_under_1_gb(bundle_path: Path) -> None:
    program = (
        "import re, sys\n"
        "from pathlib import Path\n"
        "from server.program import main\n"
        "assert main(sys.argv[1:]) == 0\n"
        "assert 'torch' not in sys.modules and 'librosa' not in sys.modules\n"
        # Not getrusage: its maximum begins with that of the process that forked this one.
        "status = Path('/proc/self/status')\n"
        "peak = re.search(r'VmHWM:\\s+(\\d+) kB', status.read_text() if status.exists() else '')\n"
        "assert peak is None or int(peak[1]) < 1_000_000, peak\n"
    )
    usual = ["--output", "null", "--osc", "none", "--midi", "none", "--seconds", "0.5"]
    command = [sys.executable, "-c", program, "--bundle", str(bundle_path), *usual]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)


def test_a_bundle_without_decks_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_bundle(tmp_path / "bare.bundle", mini_bundle.bundle(decks={}))
    bare = ["--bundle", str(tmp_path / "bare.bundle")]
    assert main([*bare, "--output", f"wav:{tmp_path / 'x.wav'}"]) == 2
    assert "--deck-a FILE" in capsys.readouterr().err
    usual = ["--output", "null", "--osc", "none", "--midi", "none", "--seconds", "0.2"]
    assert main([*bare, *usual]) == 0
    assert "--deck-a FILE" in capsys.readouterr().out
