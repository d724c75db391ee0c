"""The whole model: encoder, decoder and vocoder, and the parts of it that play and are exported."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.config import ModelConfig
from model.decoder import Decoder, ticks_to_frames
from model.encoder import Encoder
from model.features import LogMelImage
from model.streaming import State
from model.vocoder import Spectra, Vocoder


class AudioEncoder(nn.Module):
    """Audio to latents, (B, T) -> style mean (B, D), structure (B, S, K); ``encoder.onnx``."""

    def __init__(self, config: ModelConfig, encoder: Encoder) -> None:
        super().__init__()
        self.features = LogMelImage(config.features)
        self.encoder = encoder

    def forward(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """(B, ``config.input_samples``) -> (B, D), (B, S, K)."""
        latents = self.encoder(self.features(audio))
        return latents.style_mean, latents.structure


class SpectraDecoder(nn.Module):
    """Latents per frame to spectra, with its state as an argument and a result; ``decoder.onnx``.

    The server adds detail to the spectra before it makes sound of them.
    """

    def __init__(self, decoder: Decoder, vocoder: Vocoder) -> None:
        super().__init__()
        self.decoder = decoder
        self.vocoder = vocoder

    def initial_state(self, batch: int) -> State:
        """Silence: every state at zero."""
        return self.decoder.initial_state(batch) | self.vocoder.network_state(batch)

    def forward(self, style: Tensor, structure: Tensor, state: State) -> tuple[Spectra, State]:
        """(B, D, N), (B, S, N), state -> ``Spectra`` (B, F, L), state."""
        image, decoder_state = self.decoder(style, structure, state)
        spectra, vocoder_state = self.vocoder.spectra(image, state)
        return spectra, decoder_state | vocoder_state


class StreamingDecoder(nn.Module):
    """Latents per frame to audio, with its state as an argument and a result; without detail."""

    def __init__(self, decoder: Decoder, vocoder: Vocoder) -> None:
        super().__init__()
        self.decoder = decoder
        self.vocoder = vocoder

    def initial_state(self, batch: int) -> State:
        """Silence: every state at zero."""
        return self.decoder.initial_state(batch) | self.vocoder.initial_state(batch)

    def forward(
        self, style: Tensor, structure: Tensor, noise: Tensor, state: State
    ) -> tuple[Tensor, State]:
        """(B, D, N), (B, S, N), standard normal (B, F, L), state -> (B, C, T), state."""
        image, decoder_state = self.decoder(style, structure, state)
        audio, vocoder_state = self.vocoder(image, noise, state)
        return audio, decoder_state | vocoder_state


class Instrument(nn.Module):
    """Encoder, decoder and vocoder of one preset, as they are trained and saved."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.vocoder = Vocoder(config)

    def audio_encoder(self) -> AudioEncoder:
        """Features and encoder, sharing these weights."""
        return AudioEncoder(self.config, self.encoder)

    def spectra_decoder(self) -> SpectraDecoder:
        """Decoder and vocoder up to its spectra, sharing these weights."""
        return SpectraDecoder(self.decoder, self.vocoder)

    def streaming_decoder(self) -> StreamingDecoder:
        """Decoder and vocoder, sharing these weights."""
        return StreamingDecoder(self.decoder, self.vocoder)


def excitation(config: ModelConfig, batch: int, frames: int, device: torch.device) -> Tensor:
    """Draw the standard normal numbers (B, F, L) that the vocoder jitters phases with."""
    spectra = frames * config.vocoder.spectra_per_frame
    return torch.randn(batch, config.spectrum_bins, spectra, device=device)


def reconstruct(model: Instrument, image: Tensor) -> Tensor:
    """Encode and decode an image without noise, from silence: (B, 3, M, N) -> the same shape."""
    config = model.config
    latents = model.encoder(image)
    structure = ticks_to_frames(latents.structure, config.encoder.frames_per_tick)
    style = latents.style_mean[:, :, None].expand(-1, -1, structure.shape[2])
    decoded, _ = model.decoder(style, structure, model.decoder.initial_state(len(image)))
    return decoded
