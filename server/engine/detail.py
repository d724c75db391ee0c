"""The decoder's spectra to stereo sound, with each deck's own detail.

    decoder: now, advance, spread --.
    deck a: recording, reference ---+-> magnitudes, phases -> u_a x layer --.
    deck b: recording, reference ---+-> magnitudes, phases -> u_b x layer --(+)-> level -> sound
                                    '-> what has no detail -> u_n x latents -'

Every deck that has detail is a layer with its own phases; all the rest, at detail 0, is one layer
of the latents alone, mono in the middle. Layers are added with equal power (``voices``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from export.audio.arrays import Floats
from export.bundle.format import Manifest
from server.engine import phases
from server.engine.deck import DeckData
from server.engine.layer import Layer, LayerReading, LayerStream
from server.engine.mix_level import MixLevel
from server.engine.spectra import DecodedSpectra, Grid
from server.engine.stft import Complexes, OverlapAdd
from server.engine.style_spectrum import StyleSpectrum, heard_change
from server.engine.voices import LEAST_POWER, LayerVoice, of_latents, together


@dataclass(frozen=True, eq=False)
class _Part:
    """A layer with detail in L spectra: ``amplitude`` and share of the ``power`` (L,), and the log
    magnitudes that its recording gets (L, 2, F)."""

    read: LayerReading
    amplitude: Floats
    power: Floats
    log: Floats


class DetailSynthesis:
    """Decoded spectra and layers to sound (2, T), block by block."""

    def __init__(self, manifest: Manifest, seed: int) -> None:
        self._grid = Grid.of(manifest)
        self._rate_hz = manifest.sample_rate_hz
        self._steps = phases.Steps(self._grid)
        self._synthesis = OverlapAdd(self._grid)
        self._scatter = np.random.default_rng((seed, 1))
        self._style_spectrum = StyleSpectrum(self._grid, manifest.sample_rate_hz)
        self._level = MixLevel(self._grid, manifest.sample_rate_hz)
        self._streams: dict[int, LayerStream] = {}
        self._phase: Floats = np.zeros(self._grid.bins, np.float32)

    def reset(self) -> None:
        """Forget phases, places and the sound on its way."""
        self._streams.clear()
        self._level.reset()
        self._synthesis.reset()
        self._phase = np.zeros(self._grid.bins, np.float32)

    def play(
        self, decoded: DecodedSpectra, noise: Floats, layers: Sequence[Layer], is_knob: bool = False
    ) -> Floats:
        """Return sound (2, L*hop) of L spectra; ``noise`` (L, F) is standard normal.

        ``is_knob`` says that knobs move the style besides the decks.
        """
        scatter = self._scatter.uniform(-1, 1, len(noise))
        audible = [layer for layer in layers if layer.is_audible]
        self._keep_streams(audible)
        amplitudes, powers = self._amplitudes(audible)
        now = decoded.log_magnitude
        read = {
            n: self._stream(layer).read(layer, scatter, now)
            for n, layer in enumerate(audible)
            if _is_read(layer)
        }
        known = [one for one in read.values() if one.reference is not None]
        is_known = len(known) == len(audible)
        is_moved = any((layer.style != layer.structure).any() for layer in layers)
        heard = heard_change(known) if is_moved and is_known and known else None
        added = self._style_spectrum.added(heard, layers, is_knob)
        parts = [
            _Part(one, amplitudes[n], powers[n], _with(added, one))
            for n, one in read.items()
            if one.layer.detail.any()
        ]
        latents = now if added is None else now + added
        steps = self._steps.of(decoded, noise)
        sums = [self._sum(n, parts, latents[n], steps[n]) for n in range(len(noise))]
        spectra: Complexes = np.stack(sums)
        if is_known and len(known) > 1:
            spectra = self._at_level(spectra, known, powers, is_knob)
        return self._synthesis.sound(spectra)

    def _keep_streams(self, audible: Sequence[Layer]) -> None:
        """Forget the streams of decks that are not heard: they begin anew at their exact place."""
        kept = {id(layer.deck) for layer in audible}
        self._streams = {key: one for key, one in self._streams.items() if key in kept}

    def _stream(self, layer: Layer) -> LayerStream:
        key = id(layer.deck)
        if key not in self._streams:
            self._streams[key] = LayerStream(self._grid, self._rate_hz, layer.deck)
        return self._streams[key]

    def _amplitudes(self, audible: Sequence[Layer]) -> tuple[Floats, Floats]:
        """Amplitudes (layers, L) of equal power in sum, and the shares of that power.

        Where one recording is there twice, while its encoded deck takes over, both add up as they
        are: their amplitudes do, not their powers.
        """
        if not audible:
            return np.zeros((0, 0), np.float32), np.zeros((0, 0), np.float32)
        shares = np.array([layer.structure for layer in audible])
        sounds = [_sound_of(layer.deck) for layer in audible]
        is_same = np.array([[one == other for other in sounds] for one in sounds])
        together = is_same @ shares
        part = shares / np.maximum(together, 1e-9)
        loudness = np.sin(np.minimum(together, 1) * (np.pi / 2))
        powers = np.square(loudness) * part
        total = np.maximum(powers.sum(axis=0), 1e-9)
        even = loudness * part / np.sqrt(total), powers / total
        amplitudes, powers = (
            np.repeat(rows, self._grid.per_frame, axis=1).astype(np.float32) for rows in even
        )
        return amplitudes, powers

    def _sum(self, n: int, parts: Sequence[_Part], latents: Floats, step: Floats) -> Complexes:
        """The sum (2, F) of all layers in spectrum n."""
        voices = [
            self._voice(n, part, step)
            for part in parts
            if part.amplitude[n] > 0 and part.read.confidence[n] > 0
        ]
        rest = 1 - sum(voice.power for voice in voices)
        if rest > LEAST_POWER:
            voices.append(of_latents(math.sqrt(rest), latents, self._phase + step))
        if len(voices) == 1:
            (voice,) = voices
            self._phase = phases.wrapped(voice.phase)
            return voice.spectrum
        total = together(voices)
        self._phase = np.angle(total.sum(axis=0))
        return total

    def _voice(self, n: int, part: _Part, step: Floats) -> LayerVoice:
        """A layer with detail in spectrum n: its phase leans on the recording's."""
        read, log, confidence = part.read, part.log[n], float(part.read.confidence[n])
        recorded, stream = read.recorded[n], read.stream
        true = stream.true_phase(recorded)
        if confidence >= 1:
            phase, spectrum = true, recorded * np.exp(log - read.true[n])
        else:
            before = self._phase if stream.phase is None else stream.phase
            before = before + (1 - confidence) * phases.wrapped(self._phase - before)
            phase = phases.leaning(before + step, true, confidence)
            lock = phases.wrapped(phases.locked(log.mean(axis=0), phase) - phase)
            apart = phases.wrapped(np.angle(recorded) - true)
            turned = phase + (1 - confidence) * lock + confidence * apart
            spectrum = np.exp(log + 1j * turned)
        stream.phase = phases.wrapped(phase)
        return LayerVoice(
            float(part.amplitude[n]), float(part.power[n]), confidence, spectrum, phase
        )

    def _at_level(
        self, spectra: Complexes, known: Sequence[LayerReading], powers: Floats, is_knob: bool
    ) -> Complexes:
        """The spectra of merged decks at the level of the decks."""
        shares = np.array([one.layer.structure for one in known])
        merged = self._spectra_of(2 * (1 - np.square(shares).sum(axis=0)))
        if merged.max() < LEAST_POWER:
            return spectra
        wanted = sum(share * one.power for share, one in zip(powers, known, strict=True))
        assert isinstance(wanted, np.ndarray)  # there are several
        gains = self._level.gains(wanted, _power(spectra), np.minimum(merged, 1), is_knob)
        return spectra * gains[:, None, None]

    def _spectra_of(self, frames: Floats) -> Floats:
        """Values (L,) of the spectra of frames (N,)."""
        return np.repeat(frames, self._grid.per_frame)


def _with(added: Floats | None, read: LayerReading) -> Floats:
    """A layer's log magnitudes (L, 2, F) with what style adds (L, F)."""
    return read.log if added is None or read.reference is None else read.log + added[:, None]


def _sound_of(deck: DeckData) -> tuple[str, int]:
    """A key that is the same for decks of one recording, encoded or not."""
    recording = deck.recording
    return (deck.name, recording.samples) if recording else (deck.name, id(deck))


def _power(spectra: Complexes) -> Floats:
    """Power (L,) of spectra (L, 2, F), the mean of both channels."""
    power: Floats = (np.square(spectra.real) + np.square(spectra.imag)).sum(axis=(1, 2)) / 2
    return power


def _is_read(layer: Layer) -> bool:
    """True if the recording of an audible layer is heard or compared with."""
    is_merged = bool(((layer.style != layer.structure) | (layer.structure < 1)).any())
    return layer.deck.has_detail and (bool(layer.detail.any()) or is_merged)
