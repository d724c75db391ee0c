"""An older bundle becomes one of the present format, which holds and sounds the same."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import soundfile
import torch

from export import __main__ as command
from export import from_bundle
from export.audio.recordings import decode_recording
from export.bundle.archive import read_bundle, write_bundle
from export.bundle.format import Bundle, BundleDeck
from export.bundle_weights import instrument_of
from export.card import read_card
from export.graphs.encoder_decoder import decoder_graph, example_inputs
from export.graphs.parity import LARGEST_DIFFERENCE
from export.graphs.rounding import round_weights
from model.config import PRESETS
from model.instrument import Instrument, excitation
from model.vocoder import PhaseSynthesis, Spectra
from tests import mini_bundle
from tests.export.format_1 import old_bundle
from tests.training.fit.test_init_from import seen_music

CONFIG = PRESETS["tiny"]
RATE_HZ = CONFIG.features.sample_rate_hz
SECONDS = {"low": 3.0, "high": 2.0}


def deck(slug: str, seconds: float) -> BundleDeck:
    generator = np.random.default_rng(len(slug))
    style = generator.standard_normal((2, CONFIG.encoder.style_dims)).astype(np.float32)
    ticks = int(seconds * RATE_HZ) // (CONFIG.features.hop_samples * 2)
    structure = generator.standard_normal((CONFIG.structure_dims, ticks)).astype(np.float16)
    return BundleDeck(
        slug,
        title=slug,
        artist="Nobody",
        licence="CC0",
        source="made up",
        seconds=seconds,
        gain_db=-3.0,
        tempo_bpm=120.0,
        style_mean=style.mean(axis=0),
        style_track=style,
        style_ticks=np.array([3, 9], np.float32),
        structure=structure,
        first_beat_s=0.25,
        tempo_confidence=0.75,
    )


@pytest.fixture(scope="module")
def old() -> Bundle:
    # With these weights, untrained phases enlarge rounding errors little (see test_export).
    model = seen_music(CONFIG, seed=3)
    round_weights(model)
    return old_bundle(model, {slug: deck(slug, seconds) for slug, seconds in SECONDS.items()})


@pytest.fixture
def old_path(old: Bundle, tmp_path: Path) -> Path:
    write_bundle(tmp_path / "old.bundle", old)
    return tmp_path / "old.bundle"


def media(folder: Path, **seconds: float) -> list[str]:
    """Options that name a recording for each deck of ``seconds``."""
    entries = []
    for slug, length_s in seconds.items():
        time = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
        soundfile.write(folder / f"{slug}.wav", 0.3 * np.sin(2000 * time), RATE_HZ)
        words = dict.fromkeys(("title", "artist", "licence", "source"), "said elsewhere")
        entries.append({"file": f"{slug}.wav", "slug": slug, **words})
    card = folder / "card.json"
    card.write_text(json.dumps({"name": "another", "licence": "another", "decks": entries}))
    return ["--card", str(card), "--media", str(folder)]


def test_everything_but_the_decoder_stays_as_it_is(old: Bundle, old_path: Path) -> None:
    out = old_path.with_name("new.bundle")
    assert command.main([str(old_path), "-o", str(out)]) == 0
    new, kept = read_bundle(out), ("encoder_onnx", "prior_onnx", "dimensions")
    assert new.manifest.gives_spectra and not read_bundle(old_path).manifest.gives_spectra
    for name in kept:
        assert getattr(new, name) == getattr(old, name)
    for name, value in vars(old.latents).items():
        np.testing.assert_array_equal(getattr(new.latents, name), value)
    assert list(new.decks) == list(old.decks)
    for slug, one in old.decks.items():
        for name, value in vars(one).items():
            np.testing.assert_array_equal(getattr(new.decks[slug], name), value)
    for name in ("name", "licence", "attribution", "quality", "training", "latency_samples"):
        assert getattr(new.manifest, name) == getattr(old.manifest, name)
    assert new.manifest.parity["prior"] == 1e-6
    assert new.manifest.parity["log_magnitude"] <= LARGEST_DIFFERENCE
    assert "decoder" not in new.manifest.parity
    weights = instrument_of(old_path, old).state_dict()
    for name, value in instrument_of(out, new).state_dict().items():
        assert torch.equal(value, weights[name]), name


def test_the_sound_of_the_old_one_is_that_of_the_new_spectra(old: Bundle, old_path: Path) -> None:
    new, _ = from_bundle.renewed_bundle(old_path, None, Path())
    torch.manual_seed(0)
    style, structure = (x.numpy() for x in example_inputs(CONFIG, 60))
    noise = excitation(CONFIG, 1, 60, torch.device("cpu"))
    given = {"style": style, "structure": structure}
    heard = run(old, {**given, "noise": noise.numpy()})[0]
    spectra = Spectra(*(torch.from_numpy(one) for one in run(new, given)[:3]))
    synthesis = PhaseSynthesis(CONFIG)
    audio, _ = synthesis(spectra, noise, synthesis.initial_state(1))
    assert np.abs(heard).max() > 0.05
    np.testing.assert_allclose(audio.numpy(), heard[0], atol=1e-3)


def run(bundle: Bundle, given: dict[str, np.ndarray]) -> list[np.ndarray]:
    """The outputs of a bundle's decoder from silence."""
    silence = {state.name: np.zeros(state.shape, np.float32) for state in bundle.manifest.states}
    return list(onnxruntime.InferenceSession(bundle.decoder_onnx).run(None, given | silence))


def test_decks_get_the_recordings_that_are_there(
    old: Bundle, old_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = media(tmp_path, **SECONDS)
    (tmp_path / "high.wav").unlink()
    assert command.main([str(old_path), "-o", str(old_path), *options]) == 0
    printed = capsys.readouterr().out
    (line,) = (line for line in printed.splitlines() if "without its recording" in line)
    assert "deck 'high'" in line and "high.wav: no such file" in line
    assert "2 decks, 1 recordings" in printed
    new = read_bundle(old_path)
    assert decode_recording(new.decks["low"].recording, RATE_HZ).shape == (3 * RATE_HZ, 2)
    assert new.decks["low"].gain_db == old.decks["low"].gain_db
    assert new.decks["low"].title == "low" and new.manifest.name == "old"
    # What a bundle has it keeps, also when it is written again without its recordings at hand.
    assert command.main([str(old_path), "-o", str(tmp_path / "again.bundle")]) == 0
    assert read_bundle(tmp_path / "again.bundle").decks["low"].recording == (
        new.decks["low"].recording
    )


@pytest.mark.parametrize(
    ("lengths", "words"),
    [
        ({"low": 3.0}, "deck 'high' comes without its recording: no card names its file"),
        ({**SECONDS, "high": 1.5}, "high.wav: lasts 1.50 s, the deck 2.00 s"),
    ],
)
def test_a_deck_without_its_own_recording_is_named(
    old_path: Path, tmp_path: Path, lengths: dict[str, float], words: str
) -> None:
    card = read_card(Path(media(tmp_path, **lengths)[1]))
    new, (line,) = from_bundle.renewed_bundle(old_path, card, tmp_path)
    assert words in line and "\n" not in line
    assert new.decks["low"].recording and not new.decks["high"].recording


def test_bundles_that_cannot_be_renewed_are_refused_with_one_line(
    old: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = {
        "lacks the weights 'decoder": replace(old, decoder_onnx=mini_bundle.decoder_onnx()),
        "no preset 'huge'": replace(old, manifest=replace(old.manifest, preset="huge")),
        "sample_rate_hz 16000, but the model has 22050": replace(
            old,
            manifest=replace(old.manifest, preset="small"),
        ),
    }
    out = tmp_path / "new.bundle"
    for words, bundle in cases.items():
        path = tmp_path / "bad.bundle"
        write_bundle(path, bundle)
        assert command.main([str(path), "-o", str(out)]) == 2
        error = capsys.readouterr().err
        assert words in error and error.count("\n") == 1
    (tmp_path / "no.bundle").write_bytes(b"nothing")
    assert command.main([str(tmp_path / "no.bundle"), "-o", str(out)]) == 2
    assert "no.bundle': no complete bundle" in capsys.readouterr().err
    assert not out.exists()


def test_figures_of_a_run_are_refused_for_a_bundle(
    old_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(old_path), "-o", str(tmp_path / "x"), "--quality", "report.json"]
    assert command.main(arguments) == 2
    assert "a bundle keeps its own; leave out --quality" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_a_graph_that_differs_is_refused(
    old_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = old_path.read_bytes()
    monkeypatch.setattr(
        from_bundle, "decoder_graph", lambda model: decoder_graph(Instrument(CONFIG).eval())
    )
    assert command.main([str(old_path), "-o", str(old_path)]) == 2
    assert "no bundle was written" in capsys.readouterr().err
    assert old_path.read_bytes() == before
