"""The augmentations change images clip by clip, within the range of images."""

from __future__ import annotations

import torch

from training.objectives.augment import ImageAugmentation


def test_images_change_but_stay_images() -> None:
    torch.manual_seed(0)
    image = torch.rand(8, 3, 40, 64) * 2 - 1
    augmented = torch.cat([ImageAugmentation()(image) for _ in range(4)])
    assert augmented.shape == (32, 3, 40, 64)
    assert augmented.abs().max() <= 1
    assert not torch.equal(augmented[:8], image)


def test_groups_draw_their_own_numbers() -> None:
    torch.manual_seed(0)
    same = (torch.rand(1, 3, 40, 64) * 2 - 1).repeat(8, 1, 1, 1)
    augmented = ImageAugmentation(groups=4)(same)
    changes = {float((clip - same[0]).abs().mean()) for clip in augmented}
    assert len(changes) > 1


def test_the_target_stays_clean() -> None:
    image = torch.rand(4, 3, 40, 64) * 2 - 1
    before = image.clone()
    ImageAugmentation()(image)
    assert torch.equal(image, before)


def test_erased_places_are_silence() -> None:
    torch.manual_seed(1)
    loud = torch.ones(1, 3, 80, 128)
    augmentation = ImageAugmentation(groups=1)
    darkest = min(float(augmentation(loud).min()) for _ in range(30))
    assert darkest == -1
