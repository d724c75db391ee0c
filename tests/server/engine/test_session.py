"""The decoder session streams: chunked equals whole, state is kept and cleared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from export.bundle.format import StateSpec
from server.engine import runtime
from server.engine.runtime import CPU, RuntimeOptions, RuntimeUnavailable
from server.engine.session import OrtDecoderSession, warm_up
from tests import mini_bundle

CPU_ONLY = RuntimeOptions(device="cpu")
FRAMES = 42


@pytest.fixture
def latents() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(3)
    return (
        generator.uniform(0, 1, (mini_bundle.STYLE_DIMS, FRAMES)).astype(np.float32),
        generator.uniform(0, 1, (mini_bundle.STRUCTURE_DIMS, FRAMES)).astype(np.float32),
        generator.standard_normal((mini_bundle.BINS, FRAMES * mini_bundle.SPECTRA)).astype("f4"),
    )


def play(
    session: OrtDecoderSession, latents: tuple[np.ndarray, ...], sizes: list[int]
) -> np.ndarray:
    style, structure, noise = latents
    parts, start = [], 0
    for size in sizes:
        end = start + size
        spectra = slice(start * mini_bundle.SPECTRA, end * mini_bundle.SPECTRA)
        parts.append(session.step(style[:, start:end], structure[:, start:end], noise[:, spectra]))
        start = end
    return np.concatenate(parts, axis=1)


@pytest.mark.parametrize("sizes", [[42], [1] * 42, [7, 3, 1, 2, 20, 7, 2], [21, 21]])
def test_chunked_equals_whole(latents: tuple[np.ndarray, ...], sizes: list[int]) -> None:
    bundle = mini_bundle.bundle()
    whole = play(OrtDecoderSession(bundle, CPU_ONLY), latents, [FRAMES])
    assert whole.shape == (1, FRAMES * mini_bundle.HOP)
    assert np.abs(whole).max() > 0.05
    np.testing.assert_allclose(
        play(OrtDecoderSession(bundle, CPU_ONLY), latents, sizes), whole, atol=1e-4
    )


def test_a_fixed_block_size_gives_the_same_audio(latents: tuple[np.ndarray, ...]) -> None:
    bundle = mini_bundle.bundle()
    free = play(OrtDecoderSession(bundle, CPU_ONLY), latents, [FRAMES])
    fixed = play(OrtDecoderSession(bundle, CPU_ONLY, frames=6), latents, [6] * 7)
    np.testing.assert_allclose(fixed, free, atol=1e-4)


def test_a_session_with_a_fixed_block_size_accepts_other_sizes(
    latents: tuple[np.ndarray, ...],
) -> None:
    bundle = mini_bundle.bundle()
    free = play(OrtDecoderSession(bundle, CPU_ONLY), latents, [FRAMES])
    mixed = OrtDecoderSession(bundle, CPU_ONLY, frames=6)
    mixed.prepare(range(1, 9))
    np.testing.assert_allclose(play(mixed, latents, [6, 1, 6, 6, 8, 3, 6, 6]), free, atol=1e-4)


@pytest.mark.parametrize("steps_before", [1, 2])
def test_reset_clears_the_stream_state(latents: tuple[np.ndarray, ...], steps_before: int) -> None:
    session = OrtDecoderSession(mini_bundle.bundle(), CPU_ONLY)
    first = play(session, latents, [14])
    for _ in range(steps_before):
        play(session, latents, [5])
    session.reset()
    np.testing.assert_array_equal(play(session, latents, [14]), first)


def test_warming_up_leaves_no_trace(latents: tuple[np.ndarray, ...]) -> None:
    cold, warm = (OrtDecoderSession(mini_bundle.bundle(), CPU_ONLY) for _ in range(2))
    warm_up(warm, mini_bundle.manifest(), 7, steps=3)
    np.testing.assert_array_equal(play(warm, latents, [7] * 6), play(cold, latents, [7] * 6))


def test_returned_audio_is_not_overwritten(latents: tuple[np.ndarray, ...]) -> None:
    session = OrtDecoderSession(mini_bundle.bundle(), CPU_ONLY, frames=6)
    style, structure, noise = latents[0][:, :6], latents[1][:, :6], latents[2][:, :12]
    first = session.step(style, structure, noise)
    kept = first.copy()
    session.step(style, structure, noise)
    np.testing.assert_array_equal(first, kept)


def test_a_session_names_its_provider() -> None:
    assert OrtDecoderSession(mini_bundle.bundle(), CPU_ONLY).provider == CPU


def test_cuda_without_a_gpu_fails_and_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runtime, "_open_on_cuda", lambda *_: None)
    with pytest.raises(RuntimeUnavailable, match="uv run --extra cuda"):
        OrtDecoderSession(mini_bundle.bundle(), RuntimeOptions(device="cuda"))


@pytest.mark.parametrize(("driver", "warnings"), [(True, 1), (False, 0)])
def test_auto_warns_only_when_there_is_an_nvidia_driver(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    driver: bool,
    warnings: int,
) -> None:
    monkeypatch.setattr(runtime, "_has_nvidia_driver", lambda: driver)
    monkeypatch.setattr(runtime, "_open_on_cuda", lambda *_: None)
    assert OrtDecoderSession(mini_bundle.bundle(), RuntimeOptions()).provider == CPU
    assert len(caplog.records) == warnings


@pytest.mark.parametrize("model", [b"", b"nonsense", bytes(200)])
def test_a_model_that_does_not_load_fails_with_one_line(model: bytes) -> None:
    with pytest.raises(RuntimeUnavailable, match="cannot load") as caught:
        OrtDecoderSession(replace(mini_bundle.bundle(), decoder_onnx=model), CPU_ONLY)
    assert "\n" not in str(caught.value)


def test_a_graph_that_differs_from_the_manifest_is_refused() -> None:
    manifest = mini_bundle.manifest(states=(StateSpec("other", (1,)),))
    with pytest.raises(RuntimeUnavailable, match=r"phase.*other"):
        OrtDecoderSession(replace(mini_bundle.bundle(), manifest=manifest), CPU_ONLY)
