"""Crops for the vocoder: true images, decoded ones, and their samples."""

from __future__ import annotations

import torch

from model.config import PRESETS
from model.features import LogMelImage
from model.instrument import Instrument
from training.objectives.vocoder_inputs import VocoderInputs

CONFIG = PRESETS["tiny"]
CLIPS = torch.randn(4, CONFIG.input_samples) * 0.1


def test_true_images_are_those_of_the_crop_s_samples() -> None:
    batch = VocoderInputs(CONFIG, None, decoded_share=1.0, crop_frames=16)(CLIPS)
    assert batch.image.shape == (4, 3, CONFIG.features.mel_bins, 16)
    torch.testing.assert_close(batch.image, LogMelImage(CONFIG.features)(batch.audio))


def test_a_share_of_the_images_is_decoded() -> None:
    torch.manual_seed(0)
    batch = VocoderInputs(CONFIG, Instrument(CONFIG), decoded_share=0.5, crop_frames=16)(CLIPS)
    true = LogMelImage(CONFIG.features)(batch.audio)
    same = (batch.image - true).abs().flatten(1).amax(dim=1) < 1e-5
    assert 0 < int(same.sum()) < 4


def test_a_frozen_autoencoder_gets_no_gradient_and_stays_in_evaluation_mode() -> None:
    model = Instrument(CONFIG)
    batch = VocoderInputs(CONFIG, model, 1.0, 16)(CLIPS)
    assert not batch.image.requires_grad
    assert not model.encoder.training and not model.decoder.training
