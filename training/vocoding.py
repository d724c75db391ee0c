"""Stage 2: the vocoder on log-mel images, true ones and, once stage 1 has run, decoded ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.config import ModelConfig
from model.features import LogMelImage
from model.instrument import Instrument, excitation, reconstruct
from model.vocoder import Vocoder
from training.data import PairBatch
from training.losses import advance_loss, magnitude_loss, spectral_loss
from training.precision import exact_features


class Vocoding(nn.Module):
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
        self.features = LogMelImage(config.features)
        self.decoded_share = decoded_share
        self.crop_frames = min(crop_frames, config.clip_frames)
        self.start_share = start_share
        # In a list, so that its weights are not among this module's own.
        self._autoencoder = [autoencoder] if autoencoder else []
        for model in self._autoencoder:
            model.encoder.eval().requires_grad_(False)
            model.decoder.eval().requires_grad_(False)

    def forward(self, batch: PairBatch, step: int) -> dict[str, Tensor]:
        """Terms of the loss by name; ``total`` is the one to descend."""
        image, audio = self._hear(batch.audio.flatten(0, 1))
        state = self.vocoder.initial_state(len(audio))
        state["vocoder.phase"] = torch.rand_like(state["vocoder.phase"])
        spectra, _ = self.vocoder.spectra(image, state)
        unheard = self._frames_of_lead_in()
        spectra = spectra.after(unheard * self.config.vocoder.spectra_per_frame)
        audio = audio[:, unheard * self.config.features.hop_samples :]
        truth = self._true_spectra(audio)
        noise = excitation(self.config, len(audio), image.shape[3] - unheard, audio.device)
        with torch.autocast(audio.device.type, enabled=False):
            sound, _ = self.vocoder.synthesis(spectra, noise, state)
        terms = {
            "magnitude": magnitude_loss(spectra, truth),
            "advance": advance_loss(spectra, truth, self.vocoder.synthesis.bin_turns),
            "spectral": spectral_loss(*self._aligned(sound, audio)),
        }
        terms["total"] = terms["magnitude"] + terms["advance"] + terms["spectral"]
        return terms

    def _frames_of_lead_in(self) -> int:
        """How many first frames do not count, so that the others have a past to hear.

        A stream starts once and goes on for hours: only some batches count from the start.
        """
        past = min(self.vocoder.receptive_frames, self.crop_frames // 2)
        return 0 if float(torch.rand(())) < self.start_share else past

    @torch.no_grad()
    def _hear(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """A few frames of image for every clip, true or decoded, and their samples with context.

        The encoder wants whole clips; the vocoder learns more from many short ones.
        """
        hop, context = self.config.features.hop_samples, self.config.features.context_samples
        first = int(torch.randint(self.config.clip_frames - self.crop_frames + 1, ()))
        last = first + self.crop_frames
        cropped = audio[:, first * hop : last * hop + context]
        image = exact_features(self.features, cropped)
        chosen = torch.rand(len(audio), device=audio.device) < self.decoded_share
        if self._autoencoder and chosen.any():
            whole = exact_features(self.features, audio[chosen])
            decoded = reconstruct(self._autoencoder[0], whole)
            image[chosen] = decoded[..., first:last].to(image.dtype)
        return image, cropped

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
