"""Images by the decoder, their targets, and which of them the vocoder gets."""

from __future__ import annotations

import torch

from model.config import PRESETS
from model.features import LogMelImage
from model.instrument import Instrument
from training.objectives.adversarial_inputs import AdversarialInputs
from training.store.clip_pairs import PairBatch

CONFIG = PRESETS["tiny"]
FRAMES = 16


def pairs(same_score: bool) -> PairBatch:
    torch.manual_seed(0)
    clips, elsewhere = 0.1 * torch.randn(2, 3, 2, CONFIG.input_samples)
    return PairBatch(clips, torch.tensor([same_score] * 3), elsewhere)


def make_inputs(
    batch: PairBatch, turned_share: float = 0.0, **changes: float
) -> tuple[AdversarialInputs, torch.Tensor]:
    torch.manual_seed(1)
    images = AdversarialInputs(CONFIG, Instrument(CONFIG), 1.0, FRAMES)
    images.knobs.share = turned_share
    for name, value in changes.items():
        setattr(images, name, value)
    return images, LogMelImage(CONFIG.features)(batch.audio.flatten(0, 1))


def places(part: torch.Tensor, wholes: torch.Tensor) -> list[int]:
    """Index of the whole image that each part (3, M, n) is cut from."""
    return [
        next(
            index
            for index, whole in enumerate(wholes)
            if any(
                torch.allclose(one, whole[..., first : first + FRAMES], atol=1e-5)
                for first in range(whole.shape[-1] - FRAMES + 1)
            )
        )
        for one in part
    ]


def test_the_vocoder_gets_the_decoder_s_images_and_the_sound_of_their_targets() -> None:
    batch = pairs(same_score=False)
    images, _ = make_inputs(batch)
    made = images(batch)
    assert torch.equal(made.vocoder.image, made.decoded)
    image_of_sound = LogMelImage(CONFIG.features)(made.vocoder.audio)
    torch.testing.assert_close(image_of_sound, made.target, atol=1e-4, rtol=0)


def test_a_swapped_score_s_target_is_the_other_rendering() -> None:
    batch = pairs(same_score=True)
    images, wholes = make_inputs(batch, swap_share=1.0)
    assert places(images(batch).target, wholes) == [1, 0, 3, 2, 5, 4]


def test_an_excerpt_s_target_is_the_clip_itself_wherever_its_style_comes_from() -> None:
    batch = pairs(same_score=False)
    images, wholes = make_inputs(batch, swap_share=1.0, elsewhere_share=1.0)
    assert places(images(batch).target, wholes) == [0, 1, 2, 3, 4, 5]


def test_of_warped_time_the_vocoder_gets_a_true_image() -> None:
    batch = pairs(same_score=False)
    images, wholes = make_inputs(batch, decoded_share=0.0, warped_share=1.0)
    made = images(batch)
    assert places(made.vocoder.image, wholes) == [0, 1, 2, 3, 4, 5]
    assert (made.target - made.vocoder.image).abs().flatten(1).amax(dim=1).min() > 0.01


def test_of_a_turned_knob_the_vocoder_gets_a_true_image() -> None:
    batch = pairs(same_score=False)
    images, wholes = make_inputs(batch, turned_share=1.0, elsewhere_share=1.0, warped_share=0.0)
    made = images(batch)
    assert places(made.vocoder.image, wholes) == [0, 1, 2, 3, 4, 5], "with its own true sound"
    assert (made.target - made.vocoder.image).abs().flatten(1).amax(dim=1).min() > 0.01


def test_a_turned_knob_moves_the_style_that_is_decoded() -> None:
    batch = pairs(same_score=False)
    still, turned = (
        make_inputs(batch, turned_share=share, warped_share=0.0)[0] for share in (0.0, 1.0)
    )
    torch.manual_seed(3)
    plain = still(batch).decoded
    torch.manual_seed(3)
    assert (turned(batch).decoded - plain).abs().flatten(1).amax(dim=1).min() > 1e-4


def test_the_decoder_learns_and_the_encoder_does_not() -> None:
    batch = pairs(same_score=True)
    images, _ = make_inputs(batch)
    images(batch).decoded.mean().backward()
    assert all(p.grad is not None for p in images.decoder.parameters())
    assert all(not p.requires_grad for p in images._encoder[0].parameters())
