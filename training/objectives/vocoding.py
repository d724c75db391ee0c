"""Stage 2: the vocoder on log-mel images, true ones and, once stage 1 has run, decoded ones."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from model.config import ModelConfig
from model.features import LogMelImage
from model.instrument import Instrument, excitation
from model.vocoder import Spectra, Vocoder
from training.objectives.loss_terms import LossTerm, losses, total_loss
from training.objectives.losses import advance_loss, magnitude_loss, mel_loss, spectral_loss
from training.objectives.objective import Objective
from training.objectives.pictures import show_sounds
from training.objectives.vocoder_inputs import VocoderBatch, VocoderInputs
from training.store.clip_pairs import PairBatch
from training.store.store import Store
from training.support.processes import draw_for_items
from training.support.run_log import RunLog


@dataclass(frozen=True)
class VocodedSound:
    """The vocoder's spectra and sound, and the true ones of the same moments.

    ``spectra`` and ``true_spectra`` (B, F, L), ``sound`` and ``true_sound`` (B, T);
    ``bin_turns`` (F,) is how far the middle of each bin advances from spectrum to spectrum,
    ``features`` makes images of sound.
    """

    spectra: Spectra
    true_spectra: Tensor
    sound: Tensor
    true_sound: Tensor
    bin_turns: Tensor
    features: LogMelImage


TERMS: tuple[LossTerm[VocodedSound], ...] = (
    LossTerm("magnitude", 1.0, lambda made: magnitude_loss(made.spectra, made.true_spectra)),
    LossTerm(
        "advance", 1.0, lambda made: advance_loss(made.spectra, made.true_spectra, made.bin_turns)
    ),
    LossTerm("spectral", 1.0, lambda made: spectral_loss(made.sound, made.true_sound)),
    # One unit of an image is 40 dB: so weighted, 4 dB of error count as much as the other terms.
    LossTerm("mel", 10.0, lambda made: mel_loss(made.features, made.sound, made.true_sound)),
)


class Vocoding(Objective):
    """The loss of stage 2.

    Magnitudes and phase advances learn from the true spectrum at the vocoder's own window; the
    sound is compared with the true sound at five resolutions. ``decoded_share`` of the clips go
    through the autoencoder first, so that its blur does not become a buzz.
    """

    def __init__(
        self,
        config: ModelConfig,
        vocoder: Vocoder,
        autoencoder: Instrument | None,
        decoded_share: float = 0.5,
        crop_frames: int = 96,
        start_share: float = 0.2,
    ) -> None:
        super().__init__()
        self.config = config
        self.vocoder = vocoder
        self.images = VocoderInputs(config, autoencoder, decoded_share, crop_frames)
        self.start_share = start_share

    def forward(self, batch: PairBatch, step: int) -> dict[str, Tensor]:
        """Return the terms of the loss by name; ``total`` is the one to descend."""
        terms = losses(TERMS, self.vocode(self.images(batch.audio.flatten(0, 1))))
        return terms | {"total": total_loss(TERMS, terms, step)}

    def vocode(self, batch: VocoderBatch) -> VocodedSound:
        """Turn images into spectra and sound, and pair them with the true ones."""
        image, audio = batch.image, batch.audio
        state = self.vocoder.initial_state(len(audio))
        state["vocoder.phase"] = draw_for_items(
            lambda n: torch.rand(n, self.config.spectrum_bins, device=audio.device), len(audio)
        )
        spectra, _ = self.vocoder.spectra(image, state)
        lead_in = self._draw_lead_in_frames()
        spectra = spectra.after(lead_in * self.config.vocoder.spectra_per_frame)
        audio = audio[:, lead_in * self.config.features.hop_samples :]
        true_spectra = self._true_spectra(audio)
        frames = image.shape[3] - lead_in
        noise = draw_for_items(
            lambda n: excitation(self.config, n, frames, audio.device), len(audio)
        )
        synthesis = self.vocoder.synthesis
        with torch.autocast(audio.device.type, enabled=False):
            sound, _ = synthesis(spectra, noise, state)
        sound, true_sound = self._aligned(sound, audio)
        return VocodedSound(
            spectra, true_spectra, sound, true_sound, synthesis.bin_turns, self.images.features
        )

    def learned(self) -> dict[str, nn.Module]:
        """The vocoder."""
        return {"vocoder": self.vocoder}

    def show(self, log: RunLog, store: Store, model: Instrument, step: int) -> None:
        """Log mels of vocoded held-out clips below the true ones."""
        show_sounds(log, store, model, step)

    def _draw_lead_in_frames(self) -> int:
        """Draw how many first frames do not count, so that all others have a full past.

        A stream starts once and goes on for hours: only ``start_share`` of the batches count from
        the start.
        """
        past = min(self.vocoder.receptive_frames, self.images.crop_frames // 2)
        return 0 if float(torch.rand(())) < self.start_share else past

    @torch.no_grad()
    def _true_spectra(self, audio: Tensor) -> Tensor:
        """Complex (B, F, L), each centred on its synthesis hop, phase zero in its middle."""
        window_samples = self.config.vocoder.window_samples
        hop = self.config.synthesis_hop_samples
        margin = (self.config.features.context_samples - (window_samples - hop)) // 2
        centred = audio[:, margin : audio.shape[1] - margin]
        window = torch.hann_window(window_samples, device=audio.device)
        frames = centred.unfold(1, window_samples, hop) * window
        spectra = torch.fft.rfft(torch.fft.fftshift(frames, dim=2))
        return spectra.transpose(1, 2)

    def _aligned(self, sound: Tensor, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Decoded and true samples of the same moments, without the stream's first window."""
        latency, context = self.config.latency_samples, self.config.features.context_samples
        first = context // 2 + latency
        true = audio[:, first : audio.shape[1] - context // 2 - latency]
        return sound[:, 2 * latency :], true
