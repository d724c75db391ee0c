"""Kept options: defaults for command lines that do not give them."""

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
    """Write a ``settings.json`` as a person would."""
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
def test_a_command_line_survives_a_round_trip_through_options(
    arguments: list[str], options: dict[str, Any]
) -> None:
    assert options_in(arguments) == options
    assert options_in(arguments_of(options)) == options


def test_kept_options_apply_when_the_command_line_does_not_give_them(tmp_path: Path) -> None:
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


def test_the_command_line_overrides_kept_options_and_replaces_lists(tmp_path: Path) -> None:
    kept(tmp_path, midi="Knobs", device="cpu", **{"osc-allow": ["10.0.0.0/8"]})
    found = parsed(tmp_path, "--midi=none", "--osc-allow", "::1")
    assert (found.midi, found.device) == ("none", "cpu")
    assert found.osc_allow == (ip_network("::1"),)


def test_with_config_none_no_settings_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
def test_each_invalid_option_is_reported_in_one_line_and_the_rest_applies(
    options: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = kept(tmp_path, midi="Knobs", **options)
    before = path.read_text()
    assert parsed(tmp_path) == Settings(config=tmp_path, midi="Knobs")
    (line,) = caplog.messages
    assert line.startswith(f"'{path}': ") and line.endswith("; ignored") and "\n" not in line
    assert path.read_text() == before


@pytest.mark.parametrize("text", ["{", "[]", '{"settings": 2}', '{"settings": 1, "midi": null}'])
def test_corrupt_settings_are_set_aside_and_defaults_apply(
    text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "settings.json").write_text(text)
    assert parsed(tmp_path) == Settings(config=tmp_path)
    assert (tmp_path / "settings.json.unusable-1").read_text() == text
    assert len(caplog.messages) == 1


def test_rendering_a_file_ignores_kept_sound_card_options(tmp_path: Path) -> None:
    kept(tmp_path, rate=48_000, channels="3,4", cue="1,2", latency=5, device="cpu")
    found = parsed(tmp_path, "--output", "wav:x.wav")
    assert found.card == CardChoice() and found.device == "cpu"


def test_a_conflict_with_a_kept_option_names_that_option(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(tmp_path, channels="3,4")
    with pytest.raises(SystemExit) as ended:
        parsed(tmp_path, "--cue", "4,5")
    assert ended.value.code == 2
    assert "(settings.json says --channels=3,4)" in capsys.readouterr().err


def test_a_kept_bundle_that_is_missing_is_reported_with_its_source(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(tmp_path, bundle="/no/such.bundle")
    assert main(["--config", str(tmp_path), "--list-decks"]) == 2
    line = capsys.readouterr().err
    assert line.endswith(" (settings.json says --bundle=/no/such.bundle)\n")
    assert line.count("\n") == 1


def test_keep_replaces_the_kept_options_with_this_command_line(
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
def test_keeping_an_option_that_cannot_be_kept_fails_with_one_line(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parsed(tmp_path, "--keep", *arguments)
    assert ended.value.code == 2 and capsys.readouterr().err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_failing_disk_is_reported_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("mine")
    assert main(["--config", str(tmp_path / "file" / "in"), "--keep"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
