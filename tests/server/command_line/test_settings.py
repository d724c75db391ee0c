"""The command line becomes settings, or fails with one line and exit code 2."""

from __future__ import annotations

import argparse
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from server.command_line.options import add_keepable, add_others
from server.command_line.settings import Settings, parse_args
from server.output.choice import CardChoice, OutputChoice


def test_without_arguments_the_documented_defaults_apply() -> None:
    assert parse_args([]) == Settings()
    assert Settings().osc == ("127.0.0.1", 9000)
    assert Settings().output == OutputChoice("soundcard")
    assert Settings().device == "auto"


@pytest.mark.parametrize(
    ("arguments", "field", "value"),
    [
        (["--bundle", "x.bundle"], "bundle", Path("x.bundle")),
        (["--output", "null"], "output", OutputChoice("null")),
        (["--output", "soundcard"], "output", OutputChoice("soundcard")),
        (["--output", "soundcard:My: Card"], "output", OutputChoice("soundcard", "My: Card")),
        (["--rate", "48000"], "card", CardChoice(rate_hz=48_000.0)),
        (["--latency", "high"], "card", CardChoice(latency="high")),
        (["--latency", "7.5"], "card", CardChoice(latency=0.0075)),
        (["--channels", "3,4"], "card", CardChoice(main=(3, 4))),
        (["--cue", "3,4"], "card", CardChoice(cue=(3, 4))),
        (["--output", "wav:a/b.wav"], "output", OutputChoice("wav", "a/b.wav")),
        (["--output", "flac:x"], "output", OutputChoice("flac", "x")),
        (["--device", "cpu"], "device", "cpu"),
        (["--block", "4"], "block_frames", 4),
        (["--block", "auto"], "block_frames", None),
        (["--osc", "0.0.0.0:7000"], "osc", ("0.0.0.0", 7000)),
        (["--osc", "[::1]:7000"], "osc", ("::1", 7000)),
        (["--osc", "none"], "osc", None),
        (
            ["--osc-allow", "192.168.1.7", "--osc-allow", "10.1.2.3/8", "--osc-allow", "fe80::/10"],
            "osc_allow",
            tuple(map(ip_network, ("192.168.1.7/32", "10.0.0.0/8", "fe80::/10"))),
        ),
        (["--wekinator", "/interp,/latent/0"], "wekinator", ("/interp", "/latent/0")),
        (["--midi", "Knobs"], "midi", "Knobs"),
        (["--deck-a", "x.wav"], "deck_a", "x.wav"),
        (["--deck-b", "slow"], "deck_b", "slow"),
        (["--deck-c", "x.wav"], "decks", {"c": "x.wav"}),
        (["--deck-d", "slow"], "decks", {"d": "slow"}),
        (["--media", "."], "media", Path(".")),
        (["--generate"], "generate", True),
        (["--record", "x.flac"], "record", Path("x.flac")),
        (["--set", "/interp=1", "--set", "/level=-3"], "sets", ("/interp=1", "/level=-3")),
        (["--config", "kept"], "config", Path("kept")),
        (["--config", "none"], "config", None),
        (["--seconds", "2.5"], "seconds", 2.5),
        (["--list-devices"], "listing", "devices"),
        (["--list-decks"], "listing", "decks"),
        (["--list-controls"], "listing", "controls"),
        (["--bench", "--json"], "as_json", True),
    ],
)
def test_each_option_sets_its_field(arguments: list[str], field: str, value: Any) -> None:
    assert getattr(parse_args(arguments), field) == value


@pytest.mark.parametrize(
    "arguments",
    [
        ["--output", "mp3:x"],
        ["--output", "wav"],
        ["--output", "wav:"],
        ["--output", "soundcard:"],
        ["--output", "null:x"],
        ["--rate", "fast"],
        ["--rate", "1"],
        ["--latency", "0"],
        ["--latency", "nan"],
        ["--latency", "501"],
        ["--channels", "1"],
        ["--channels", "1,1"],
        ["--channels", "0,1"],
        ["--channels", "1,2,3"],
        ["--channels", "one,two"],
        ["--channels", "1,9999999999"],
        ["--cue", "2,3"],
        ["--channels", "3,4", "--cue", "4,5"],
        ["--output", "wav:x", "--rate", "48000"],
        ["--output", "flac:x", "--cue", "3,4"],
        ["--output", ""],
        ["--device", "tpu"],
        ["--block", "0"],
        ["--block", "-1"],
        ["--block", "1.5"],
        ["--block", "99999"],
        ["--osc", "9000"],
        ["--osc", ":9000"],
        ["--osc", "localhost:"],
        ["--osc", "localhost:65536"],
        ["--osc", "localhost:-1"],
        ["--osc-allow", "stage"],
        ["--osc-allow", "192.168.1.0/33"],
        ["--wekinator", "interp"],
        ["--wekinator", "/interp,,/level"],
        ["--media", "/no/such/folder"],
        ["--seconds", "0"],
        ["--seconds", "-1"],
        ["--seconds", "nan"],
        ["--seconds", "inf"],
        ["--seconds", "soon"],
        ["--json"],
        ["--record", "x.wav", "--output", "wav:y.wav"],
        ["--no-such-option"],
        ["stray"],
        ["--outp", "null"],
    ],
)
def test_invalid_arguments_fail_with_one_line_and_exit_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_args(arguments)
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("python -m server: ")


def test_help_lists_every_option_with_its_default(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_args(["--help"])
    assert caught.value.code == 0
    said = capsys.readouterr().out
    own = ("--osc", "--osc-allow", "--wekinator", "--midi")
    for option in ("--bundle", "--output", "--device", "--block", *own, "--deck-a"):
        described = said.split(f"  {option} ")[1].split("\n  --")[0]
        assert "default:" in described


def option_helps() -> dict[str, str]:
    """The help text of each option that takes a value, by the option's name."""
    parser = argparse.ArgumentParser()
    add_keepable(parser)
    add_others(parser)
    return {
        action.option_strings[-1]: action.help or ""
        for action in parser._actions
        if action.nargs != 0
    }


@pytest.mark.parametrize(("option", "text"), option_helps().items())
def test_the_help_of_each_option_with_a_value_gives_its_default(option: str, text: str) -> None:
    assert "(default: " in text, option


def test_the_help_of_keep_names_the_groups_it_keeps() -> None:
    parser = argparse.ArgumentParser()
    add_keepable(parser)
    groups = [group.title for group in parser._action_groups if group._group_actions]
    add_others(parser)
    (keep,) = (action for action in parser._actions if "--keep" in action.option_strings)
    assert f"({', '.join(str(group) for group in groups if group != 'options')})" in str(keep.help)


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_args(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("latent-deck 0.")


@pytest.mark.parametrize(
    ("words", "device"),
    [([], None), (["--input", "none"], None), (["--input", "default"], "default")],
)
def test_no_input_is_opened_unless_asked_for(words: list[str], device: str | None) -> None:
    assert parse_args(words).input == device
