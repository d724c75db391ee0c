"""Crops for the vocoder: true or decoded images, and their samples."""

from __future__ import annotations

import torch

from model.config import PRESETS
from model.features import LogMelImage
from model.instrument import Instrument
from training.objectives.shown_images import ShownImages

CONFIG = PRESETS["tiny"]
CLIPS = torch.randn(4, CONFIG.input_samples) * 0.1


def test_true_images_match_the_samples_of_the_crop() -> None:
    shown = ShownImages(CONFIG, None, decoded_share=1.0, crop_frames=16)(CLIPS)
    assert shown.image.shape == (4, 3, CONFIG.features.mel_bins, 16)
    torch.testing.assert_close(shown.image, LogMelImage(CONFIG.features)(shown.audio))


def test_the_given_share_of_true_images_is_replaced_by_decoded_ones() -> None:
    torch.manual_seed(0)
    shown = ShownImages(CONFIG, Instrument(CONFIG), decoded_share=0.5, crop_frames=16)(CLIPS)
    true = LogMelImage(CONFIG.features)(shown.audio)
    same = (shown.image - true).abs().flatten(1).amax(dim=1) < 1e-5
    assert 0 < int(same.sum()) < 4


def test_a_frozen_autoencoder_gets_no_gradient_and_stays_in_evaluation_mode() -> None:
    model = Instrument(CONFIG)
    shown = ShownImages(CONFIG, model, 1.0, 16)(CLIPS)
    assert not shown.image.requires_grad
    assert not model.encoder.training and not model.decoder.training
