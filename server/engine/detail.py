"""The decoder's spectra to stereo sound, with each deck's own detail.

    decoder: now, advance, spread --.
    deck a: recording, reference ---+-> magnitudes, phases -> u_a x layer --.
    deck b: recording, reference ---+-> magnitudes, phases -> u_b x layer --(+)-> overlap-add
                                    '-> what has no detail -> u_n x latents -'

Every deck that has detail is a layer with its own phases; all the rest, at detail 0, is one layer
of the latents alone, mono in the middle. Layers are added with equal power, since their phases have
nothing to do with each other. The less they lean on their recordings, the more they share one
phase, and the power is made up bin by bin: at detail 0 they are one layer again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from export.audio.arrays import Floats
from export.bundle.format import Manifest
from server.engine import phases
from server.engine.layer import Layer, LayerStream
from server.engine.mix_level import MixLevel
from server.engine.spectra import Grid, Spectra
from server.engine.stft import Complexes, Synthesis
from server.engine.style_spectrum import StyleSpectrum

_MOST_GAIN = 4.0
"""The most that a bin is raised where layers cancel."""
_LEAST_POWER = 1e-6


@dataclass(frozen=True, eq=False)
class _Part:
    """A layer with detail in L spectra: ``amplitude`` and ``confidence`` (L,), the recording's
    spectra, its log magnitudes and those it gets (L, 2, F)."""

    stream: LayerStream
    amplitude: Floats
    confidence: Floats
    recorded: Complexes
    true: Floats
    log: Floats


@dataclass(frozen=True, eq=False)
class _Voice:
    """One layer in one spectrum (2, F), with its mid ``phase`` (F,)."""

    amplitude: float
    confidence: float
    spectrum: Complexes
    phase: Floats


class DetailSynthesis:
    """Spectra and layers to sound (2, T), block by block."""

    def __init__(self, manifest: Manifest, seed: int) -> None:
        self._grid = Grid.of(manifest)
        self._rate_hz = manifest.sample_rate_hz
        self._seed = seed
        self._steps = phases.Steps(self._grid)
        self._synthesis = Synthesis(self._grid)
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
        self, now: Spectra, noise: Floats, layers: Sequence[Layer], is_knob: bool = False
    ) -> Floats:
        """Return sound (2, L*hop) of L spectra; ``noise`` (L, F) is standard normal.

        ``is_knob`` says that knobs move the style besides the decks.
        """
        scatter = self._scatter.uniform(-1, 1, len(noise))
        audible = [layer for layer in layers if layer.is_audible]
        self._keep_streams(audible)
        amplitudes = self._amplitudes(audible)
        read = {
            n: self._stream(one).read(one, scatter)
            for n, one in enumerate(audible)
            if _is_read(one)
        }
        added = self._style_spectrum.added(
            now.log_magnitude,
            self._reference({n: reference for n, (_, reference) in read.items()}, audible),
            layers,
            is_knob,
        )
        parts = [
            self._part(audible[n], amplitudes[n], recorded, reference, now.log_magnitude, added)
            for n, (recorded, reference) in read.items()
            if audible[n].detail.any()
        ]
        latents = now.log_magnitude if added is None else now.log_magnitude + added
        steps = self._steps.of(now, noise)
        spectra: Complexes = np.empty((len(noise), 2, self._grid.bins), np.complex64)
        for n in range(len(noise)):
            spectra[n] = self._sum(n, parts, latents[n], steps[n])
        return self._synthesis.sound(self._at_level(spectra, audible, amplitudes, read, is_knob))

    def _keep_streams(self, audible: Sequence[Layer]) -> None:
        """Forget the streams of decks that are not heard: they begin anew at their exact place."""
        kept = {id(layer.deck) for layer in audible}
        self._streams = {key: one for key, one in self._streams.items() if key in kept}

    def _stream(self, layer: Layer) -> LayerStream:
        key = id(layer.deck)
        if key not in self._streams:
            self._streams[key] = LayerStream(self._grid, self._rate_hz, layer.deck)
        return self._streams[key]

    def _amplitudes(self, audible: Sequence[Layer]) -> Floats:
        """Amplitudes (layers, L) of equal power in sum."""
        shares = np.array([layer.structure for layer in audible])
        amplitudes = np.sin(shares * (np.pi / 2))
        power = np.square(amplitudes).sum(axis=0)
        even = amplitudes / np.sqrt(np.maximum(power, 1e-9))
        return np.repeat(even, self._grid.per_frame, axis=1).astype(np.float32)

    def _reference(
        self, references: Mapping[int, Floats | None], audible: Sequence[Layer]
    ) -> Floats | None:
        """The decoder's own magnitudes (L, F) of the decks by their share of structure; None where
        one is not known."""
        total: Floats | None = None
        for n, layer in enumerate(audible):
            reference = references.get(n)
            if reference is None:
                return None
            share = np.repeat(layer.structure, self._grid.per_frame)[:, None]
            total = reference * share if total is None else total + reference * share
        return total

    def _at_level(
        self,
        spectra: Complexes,
        audible: Sequence[Layer],
        amplitudes: Floats,
        read: Mapping[int, tuple[Complexes, Floats | None]],
        is_knob: bool,
    ) -> Complexes:
        """The spectra of merged decks at the level of the decks."""
        shares = np.array([layer.structure for layer in audible])
        merged = np.repeat(2 * (1 - np.square(shares).sum(axis=0)), self._grid.per_frame)
        known = [n for n, (_, reference) in read.items() if reference is not None]
        if len(known) < len(audible) or merged.max() < _LEAST_POWER:
            return spectra
        wanted = np.zeros(len(spectra), np.float32)
        for n in known:
            recorded, reference = read[n]
            lean = phases.confidence(np.repeat(audible[n].detail, self._grid.per_frame))
            power = lean * _power(recorded) + (1 - lean) * np.exp(2 * reference).sum(axis=1)
            wanted += np.square(amplitudes[n]) * power
        gains = self._level.gains(wanted, _power(spectra), np.minimum(merged, 1), is_knob)
        return spectra * gains[:, None, None]

    def _part(
        self,
        layer: Layer,
        amplitude: Floats,
        recorded: Complexes,
        reference: Floats | None,
        now: Floats,
        added: Floats | None,
    ) -> _Part:
        stream = self._stream(layer)
        magnitudes = stream.magnitudes(recorded, now, reference, layer)
        log = magnitudes.log
        if added is not None and reference is not None:
            log = log + added[:, None]
        detail = np.repeat(layer.detail, self._grid.per_frame)
        return _Part(stream, amplitude, phases.confidence(detail), recorded, magnitudes.true, log)

    def _sum(self, n: int, parts: Sequence[_Part], latents: Floats, step: Floats) -> Complexes:
        """The sum (2, F) of all layers in spectrum n."""
        voices = [
            self._voice(n, part, step)
            for part in parts
            if part.amplitude[n] > 0 and part.confidence[n] > 0
        ]
        rest = 1 - sum(voice.amplitude**2 for voice in voices)
        if rest > _LEAST_POWER:
            voices.append(_of_latents(math.sqrt(rest), latents, self._phase + step))
        if len(voices) == 1:
            (voice,) = voices
            self._phase = phases.wrapped(voice.phase)
            return voice.spectrum
        total = _added(voices)
        self._phase = np.angle(total.sum(axis=0))
        return total

    def _voice(self, n: int, part: _Part, step: Floats) -> _Voice:
        """A layer with detail in spectrum n: its phase leans on the recording's."""
        recorded, log, confidence = part.recorded[n], part.log[n], float(part.confidence[n])
        stream, true = part.stream, part.stream.true_phase(recorded)
        if confidence >= 1:
            phase, spectrum = true, recorded * np.exp(log - part.true[n])
        else:
            before = self._phase if stream.phase is None else stream.phase
            before = before + (1 - confidence) * phases.wrapped(self._phase - before)
            phase = phases.leaning(before + step, true, confidence)
            lock = phases.wrapped(phases.locked(log.mean(axis=0), phase) - phase)
            apart = phases.wrapped(np.angle(recorded) - true)
            turned = phase + (1 - confidence) * lock + confidence * apart
            spectrum = np.exp(log + 1j * turned)
        stream.phase = phases.wrapped(phase)
        return _Voice(float(part.amplitude[n]), confidence, spectrum, phase)


def _power(spectra: Complexes) -> Floats:
    """Power (L,) of spectra (L, 2, F), the mean of both channels."""
    power: Floats = (np.square(spectra.real) + np.square(spectra.imag)).sum(axis=(1, 2)) / 2
    return power


def _is_read(layer: Layer) -> bool:
    """True if the recording of an audible layer is heard or compared with."""
    is_merged = bool(((layer.style != layer.structure) | (layer.structure < 1)).any())
    return layer.deck.has_detail and (bool(layer.detail.any()) or is_merged)


def _of_latents(amplitude: float, log: Floats, free: Floats) -> _Voice:
    """What the decoder says alone: the same on both channels."""
    mono = np.exp(log + 1j * phases.locked(log, free)).astype(np.complex64)
    return _Voice(amplitude, 0.0, np.stack([mono, mono]), free)


def _added(voices: Sequence[_Voice]) -> Complexes:
    """The sum (2, F) of layers; as far as they do not lean on recordings, with the power that
    unrelated phases would have."""
    total = np.sum([voice.amplitude * voice.spectrum for voice in voices], axis=0)
    leaning = sum(voice.amplitude**2 * voice.confidence for voice in voices)
    if leaning < 1 - _LEAST_POWER:
        power = np.sum(
            [(voice.amplitude * np.abs(voice.spectrum)) ** 2 for voice in voices], axis=0
        )
        gain = np.minimum(np.sqrt(power) / (np.abs(total) + 1e-9), _MOST_GAIN)
        total = total * gain ** (1 - leaning)
    return np.asarray(total, np.complex64)
