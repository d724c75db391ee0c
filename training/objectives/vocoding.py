"""Stage 2: the vocoder on log-mel images, true ones and, once stage 1 has run, decoded ones."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from model.config import ModelConfig
from model.instrument import Instrument, excitation
from model.vocoder import Vocoder
from training.objectives.losses import advance_loss, magnitude_loss, mel_loss, spectral_loss
from training.objectives.objective import Objective
from training.objectives.pictures import show_sounds
from training.objectives.shown_images import ShownBatch, ShownImages
from training.store.clip_pairs import PairBatch
from training.store.store import Store
from training.support.processes import draw_for_items
from training.support.run_log import RunLog


@dataclass(frozen=True)
class VocodedSound:
    """Decoded and true samples of the same moments, (B, T) each, and the terms of the loss."""

    sound: Tensor
    audio: Tensor
    terms: dict[str, Tensor]


class Vocoding(Objective):
    """The loss of stage 2.

    Magnitudes and phase advances learn from the true spectrum at the vocoder's own window, and the
    sound that comes out is held against the true sound in five resolutions. ``decoded_share`` of
    the items hear the image as the decoder gives it, so that its blur does not become a buzz.
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
        self.images = ShownImages(config, autoencoder, decoded_share, crop_frames)
        self.start_share = start_share

    def forward(self, batch: PairBatch, step: int) -> dict[str, Tensor]:
        """Terms of the loss by name; ``total`` is the one to descend."""
        return self.play(self.images(batch.audio.flatten(0, 1))).terms

    def play(self, shown: ShownBatch) -> VocodedSound:
        """Sound for what is shown, and how far it is from the true sound."""
        image, audio = shown.image, shown.audio
        state = self.vocoder.initial_state(len(audio))
        state["vocoder.phase"] = draw_for_items(
            lambda n: torch.rand(n, self.config.spectrum_bins, device=audio.device), len(audio)
        )
        spectra, _ = self.vocoder.spectra(image, state)
        unheard = self._frames_of_lead_in()
        spectra = spectra.after(unheard * self.config.vocoder.spectra_per_frame)
        audio = audio[:, unheard * self.config.features.hop_samples :]
        truth = self._true_spectra(audio)
        frames = image.shape[3] - unheard
        noise = draw_for_items(
            lambda n: excitation(self.config, n, frames, audio.device), len(audio)
        )
        with torch.autocast(audio.device.type, enabled=False):
            sound, _ = self.vocoder.synthesis(spectra, noise, state)
        sound, audio = self._aligned(sound, audio)
        terms = {
            "magnitude": magnitude_loss(spectra, truth),
            "advance": advance_loss(spectra, truth, self.vocoder.synthesis.bin_turns),
            "spectral": spectral_loss(sound, audio),
            "mel": mel_loss(self.images.features, sound, audio),
        }
        terms["total"] = (
            terms["magnitude"] + terms["advance"] + terms["spectral"] + MEL_WEIGHT * terms["mel"]
        )
        return VocodedSound(sound, audio, terms)

    def learned(self) -> dict[str, nn.Module]:
        """The vocoder."""
        return {"vocoder": self.vocoder}

    def show(self, log: RunLog, store: Store, model: Instrument, step: int) -> None:
        """Images of the sound made of held-out clips' true images below these."""
        show_sounds(log, store, model, step)

    def _frames_of_lead_in(self) -> int:
        """How many first frames do not count, so that the others have a past to hear.

        A stream starts once and goes on for hours: only some batches count from the start.
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


MEL_WEIGHT = 10.0
"""One unit of an image is 40 dB: so weighted, 4 dB of error count as much as the other terms."""
