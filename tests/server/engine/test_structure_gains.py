"""/structure/{i}: one band of structure is flattened or exaggerated about the decks' mean."""

from __future__ import annotations

import numpy as np
import pytest

from server.controls.desk import Desk
from server.controls.events import SetControl
from server.controls.table import controls_of
from server.engine.engine import Engine
from tests import mini_bundle
from tests.server.fakes import FakeSession, fake_deck

BANDS, CHANNELS = mini_bundle.BANDS, mini_bundle.CHANNELS


def structure(gains: dict[int, float], frames: int = 60) -> np.ndarray:
    """Structure (channels, bands, N) as it reaches the decoder, half way between two decks."""
    bundle = mini_bundle.bundle()
    desk, session = Desk(controls_of(bundle), playing=True), FakeSession(bundle.manifest)
    engine = Engine(bundle.manifest, bundle.latents, session, desk)
    engine.put_deck("a", fake_deck("a", 0.0))
    engine.put_deck("b", fake_deck("b", 1.0, ticks=28))
    desk.apply([SetControl("/interp", (0.5,))])
    desk.apply([SetControl(f"/structure/{band}", (gain,)) for band, gain in gains.items()])
    engine.render(frames)
    return session.structure.reshape(CHANNELS, BANDS, frames)


@pytest.mark.parametrize("gain", [0.0, 0.5, 2.0])
def test_a_gain_scales_all_channels_of_its_band_and_no_other(gain: float) -> None:
    plain, changed = structure({}), structure({1: gain})
    mean = 0.75  # structure of the fake decks rises from 0.5 to 1
    np.testing.assert_allclose(changed[:, 1], mean + gain * (plain[:, 1] - mean), atol=1e-5)
    others = [band for band in range(BANDS) if band != 1]
    np.testing.assert_array_equal(changed[:, others], plain[:, others])
    assert np.ptp(plain[:, 1]) > 0.2


def test_the_bands_cover_the_mel_filters_from_end_to_end() -> None:
    manifest = mini_bundle.manifest()
    edges = np.array(manifest.band_edges_hz)
    assert len(edges) == BANDS + 1
    assert (np.diff(edges) > 0).all()
    assert manifest.lowest_hz < edges[0] < edges[-1] < manifest.top_hz
    notes = [row.description for row in controls_of(mini_bundle.bundle()).values]
    assert any(f"{edges[0]:.0f} to {edges[1]:.0f} Hz" in note for note in notes)
