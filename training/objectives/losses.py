"""Loss functions, each a plain function of tensors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from model.contrast import neighbours
from model.features import LogMelImage, frame_levels
from model.vocoder import Spectra
from training.support.processes import mean_over_processes


def style_divergence(mean: Tensor, log_variance: Tensor, free_nats: float) -> Tensor:
    """KL of the style posterior to N(0, I) in nats, summed over dimensions, batch mean.

    A dimension's share counts only beyond ``free_nats`` (free bits, arXiv 1606.04934), so that it
    may carry that much before it costs anything.
    """
    divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
    by_dimension = divergence.mean(dim=0)
    costly = mean_over_processes(by_dimension) > free_nats
    return torch.where(costly, by_dimension, free_nats).sum()


def structure_power(structure: Tensor) -> Tensor:
    """Mean square of the structure map: up to a constant, its KL to N(0, I) at fixed noise."""
    return structure.square().mean()


def loudness_loss(image: Tensor, truth: Tensor) -> Tensor:
    """L1 between the levels of frames, of images (B, 3, M, N), in image units.

    Where notes are uncertain, the L1 of images finds the median of each bin, which is quieter than
    the music. A frame's power summed over its bins is far more certain than any single bin.
    """
    return functional.l1_loss(frame_levels(image.float()), frame_levels(truth.float()))


def contrast_loss(image: Tensor, truth: Tensor) -> Tensor:
    """L1 between how much bins and frames stand out, of images (B, 3, M, N), in image units.

    Which bin and which frame stands out is uncertain, so the L1 of images finds a blur; by how much
    they stand out is certain. Compared are root mean squares over time: of bins above their
    neighbours, which is how pure a sound is, and of rises of the level, which is how it is struck.
    """
    image, truth = image.float(), truth.float()
    purity = functional.l1_loss(_peaks(image), _peaks(truth))
    return purity + RISES_COUNT * functional.l1_loss(_rises(image), _rises(truth))


def _peaks(image: Tensor) -> Tensor:
    # Average first, or the speckle of noise would count as tones that come and go.
    held = functional.avg_pool2d(image - neighbours(image), (1, min(HELD_FRAMES, image.shape[3])))
    return _root_mean_square(held)


def _rises(image: Tensor) -> Tensor:
    return _root_mean_square(functional.relu(frame_levels(image).diff(dim=2)))


def _root_mean_square(signal: Tensor) -> Tensor:
    """Root mean square over the last dimension; the floor avoids the infinite slope at zero."""
    return torch.sqrt(signal.square().mean(dim=-1) + 1e-6)


def magnitude_loss(spectra: Spectra, truth: Tensor) -> Tensor:
    """L1 of log magnitudes plus relative L1 of magnitudes, ``truth`` complex (B, F, L).

    The first alone finds the median, which is below the mean where the ear is most sensitive: at
    the loud partials, above all in the bass.
    """
    true, predicted = truth.abs(), spectra.log_magnitude.exp()
    # The floor on both sides: on the truth alone, it is a level at which silence learns to hiss.
    logarithmic = functional.l1_loss(
        torch.log(predicted + MAGNITUDE_FLOOR), torch.log(true + MAGNITUDE_FLOOR)
    )
    loudness = mean_over_processes(true.sum()).clamp(min=1.0)
    return logarithmic + (predicted - true).abs().sum() / loudness


def advance_loss(spectra: Spectra, truth: Tensor, bin_turns: Tensor) -> Tensor:
    """Distance between predicted and true phase advances, weighted by loudness.

    The prediction is a wrapped normal of mean a and standard deviation s; the mean of e^(i x)
    under it is e^(-s^2/2) e^(i a). The squared distance of that from e^(i true advance) is least
    where a is the likeliest advance and s its uncertainty.
    """
    turn = truth[:, :, 1:] * truth[:, :, :-1].conj()
    expected = torch.exp(-2j * torch.pi * bin_turns)[None, :, None].to(turn.dtype)
    true = torch.angle(turn * expected)
    resultant = torch.exp(-0.5 * spectra.spread[:, :, 1:].square())
    cosine = torch.cos(spectra.advance[:, :, 1:] - true)
    distance = resultant.square() - 2 * resultant * cosine + 1
    weight = truth[:, :, 1:].abs().sqrt()
    total = mean_over_processes(weight.sum()).clamp(min=1e-6)
    return (weight * distance).sum() / total


def spectral_loss(
    audio: Tensor, truth: Tensor, windows: Sequence[int] = (2048, 1024, 512, 256, 128)
) -> Tensor:
    """Multi-resolution STFT loss of sounds (B, T), mean over windows.

    Relative L2 of magnitudes (spectral convergence) plus L1 of log magnitudes, hop a quarter of
    the window (arXiv 1910.11480).
    """
    return torch.stack([_one_resolution(audio, truth, size) for size in windows]).mean()


def mel_loss(features: LogMelImage, audio: Tensor, truth: Tensor) -> Tensor:
    """L1 between the log-mel images of sounds (B, T), in image units.

    As in HiFi-GAN (arXiv 2010.05646): bands get the right level, whatever single bins do.
    """
    with torch.autocast(audio.device.type, enabled=False):
        return functional.l1_loss(features(audio.float()), features(truth.float()))


def _one_resolution(audio: Tensor, truth: Tensor, window_samples: int) -> Tensor:
    predicted, true = (_magnitudes(x, window_samples) for x in (audio, truth))
    difference = torch.linalg.vector_norm(predicted - true, dim=(1, 2))
    convergence = difference / torch.linalg.vector_norm(true, dim=(1, 2)).clamp(min=1e-3)
    logarithmic = functional.l1_loss(
        torch.log(predicted + MAGNITUDE_FLOOR), torch.log(true + MAGNITUDE_FLOOR)
    )
    return convergence.mean() + logarithmic


def _magnitudes(audio: Tensor, window_samples: int) -> Tensor:
    window = torch.hann_window(window_samples, device=audio.device)
    spectrum = torch.stft(
        audio.float(),
        window_samples,
        window_samples // 4,
        window=window,
        center=False,
        return_complex=True,
    )
    # The square root's slope is infinite at zero.
    return torch.sqrt(spectrum.real.square() + spectrum.imag.square() + 1e-8)


MAGNITUDE_FLOOR = 1e-3
"""Added to magnitudes before the logarithm: a sine of -108 dB in a window of 1024 samples."""

RISES_COUNT = 3.0
"""Weight of rises beside peaks: a level rises in few frames, so its root mean square is small."""

HELD_FRAMES = 16
"""About a note, 0.37 s with ``small``."""
