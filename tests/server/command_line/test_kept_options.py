"""Options of the command line that are kept: they hold where nothing else is said."""

from __future__ import annotations

import json
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from server.command_line.kept_options import arguments_of, options_in
from server.command_line.settings import Settings, parse_args
from server.output.choice import CardChoice, OutputChoice
from server.program import main


def kept(folder: Path, /, **options: Any) -> Path:
    """``settings.json`` as a person writes it."""
    path = folder / "settings.json"
    path.write_text(json.dumps({"settings": 1, **options}))
    return path


def parsed(config: Path, *arguments: str) -> Settings:
    return parse_args(["--config", str(config), *arguments])


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ([], {}),
        (["--output", "soundcard:My Card"], {"output": "soundcard:My Card"}),
        (
            ["--osc=none", "--generate", "--midi", "A"],
            {"osc": "none", "generate": True, "midi": "A"},
        ),
        (["--set", "/a=1", "--set=/b=2", "--set", "/c=3"], {"set": ["/a=1", "/b=2", "/c=3"]}),
        (["--generate"], {"generate": True}),
    ],
)
def test_a_command_line_is_options_and_a_command_line_again(
    arguments: list[str], options: dict[str, Any]
) -> None:
    assert options_in(arguments) == options
    assert options_in(arguments_of(options)) == options


def test_what_is_kept_holds_where_nothing_is_said(tmp_path: Path) -> None:
    kept(
        tmp_path,
        output="soundcard:USB",
        rate=48_000,
        latency="high",
        channels="3,4",
        osc="0.0.0.0:7000",
        midi="Knobs",
        wekinator="/interp,/level",
        media=str(tmp_path),
        device="cpu",
        generate=True,
        **{"osc-allow": ["192.168.1.7", "10.0.0.0/8"]},
    )
    found = parsed(tmp_path)
    assert found == Settings(
        config=tmp_path,
        output=OutputChoice("soundcard", "USB"),
        card=CardChoice(rate_hz=48_000.0, latency="high", main=(3, 4)),
        osc=("0.0.0.0", 7000),
        midi="Knobs",
        wekinator=("/interp", "/level"),
        media=tmp_path,
        device="cpu",
        generate=True,
        osc_allow=(ip_network("192.168.1.7"), ip_network("10.0.0.0/8")),
    )


def test_the_command_line_comes_first_and_replaces_lists(tmp_path: Path) -> None:
    kept(tmp_path, midi="Knobs", device="cpu", **{"osc-allow": ["10.0.0.0/8"]})
    found = parsed(tmp_path, "--midi=none", "--osc-allow", "::1")
    assert (found.midi, found.device) == ("none", "cpu")
    assert found.osc_allow == (ip_network("::1"),)


def test_with_none_nothing_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "latent-deck").mkdir()
    kept(tmp_path / "latent-deck", midi="Knobs")
    assert parse_args([]).midi == "Knobs"
    assert parse_args(["--config", "none"]).midi == "all"


@pytest.mark.parametrize(
    "options",
    [
        {"latency": "slow"},
        {"no-such": 1},
        {"help": True},
        {"list-decks": True},
        {"seconds": 3},
        {"output": "wav:x.wav"},
        {"output": True},
        {"generate": "yes"},
        {"media": "/no/such/folder"},
        {"osc-allow": ["stage"]},
    ],
    ids=str,
)
def test_each_fault_is_one_line_and_the_rest_holds(
    options: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = kept(tmp_path, midi="Knobs", **options)
    before = path.read_text()
    assert parsed(tmp_path) == Settings(config=tmp_path, midi="Knobs")
    (line,) = caplog.messages
    assert line.startswith(f"'{path}': ") and line.endswith("; ignored") and "\n" not in line
    assert path.read_text() == before


@pytest.mark.parametrize("text", ["{", "[]", '{"settings": 2}', '{"settings": 1, "midi": null}'])
def test_corrupt_settings_are_kept_beside_and_defaults_hold(
    text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "settings.json").write_text(text)
    assert parsed(tmp_path) == Settings(config=tmp_path)
    assert (tmp_path / "settings.json.unusable-1").read_text() == text
    assert len(caplog.messages) == 1


def test_a_file_is_rendered_without_what_is_kept_for_the_sound_card(tmp_path: Path) -> None:
    kept(tmp_path, rate=48_000, channels="3,4", cue="1,2", latency=5, device="cpu")
    found = parsed(tmp_path, "--output", "wav:x.wav")
    assert found.card == CardChoice() and found.device == "cpu"


def test_what_does_not_go_together_tells_what_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(tmp_path, channels="3,4")
    with pytest.raises(SystemExit) as ended:
        parsed(tmp_path, "--cue", "4,5")
    assert ended.value.code == 2
    assert "(settings.json says --channels=3,4)" in capsys.readouterr().err


def test_what_is_kept_and_gone_is_told_with_where_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(tmp_path, bundle="/no/such.bundle")
    assert main(["--config", str(tmp_path), "--list-decks"]) == 2
    line = capsys.readouterr().err
    assert line.endswith(" (settings.json says --bundle=/no/such.bundle)\n")
    assert line.count("\n") == 1


def test_keep_writes_this_command_line_in_place_of_what_was_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "music").mkdir()
    (tmp_path / "song.wav").touch()
    config = tmp_path / "config"
    given = ["--keep", "--midi", "A", "--media", "music", "--deck-a", "song.wav", "--deck-b=slow"]
    assert main(["--config", str(config), *given]) == 0
    assert capsys.readouterr().out == f"saved in {config / 'settings.json'}\n"
    monkeypatch.chdir(config)
    found = parsed(config)
    assert (found.midi, found.media) == ("A", tmp_path / "music")
    assert found.decks == {"a": str(tmp_path / "song.wav"), "b": "slow"}
    assert main(["--config", str(config), "--keep", "--rate", "48000"]) == 0
    assert parsed(config) == Settings(config=config, card=CardChoice(rate_hz=48_000.0))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--config", "none"],
        ["--seconds", "3"],
        ["--output", "wav:x.wav"],
        ["--no-supervisor"],
        ["--latency", "slow"],
    ],
)
def test_what_cannot_be_kept_ends_with_one_line(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parsed(tmp_path, "--keep", *arguments)
    assert ended.value.code == 2 and capsys.readouterr().err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fails_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("mine")
    assert main(["--config", str(tmp_path / "file" / "in"), "--keep"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
