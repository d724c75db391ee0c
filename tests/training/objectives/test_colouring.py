"""Each filter moves its own descriptor of a clip."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from model.config import PRESETS
from training.objectives.colouring import COLOURS, LOUDNESS_DB, Colouring

FEATURES = PRESETS["small"].features
UNITS_PER_DB = 1 / 40


@pytest.fixture
def colouring() -> Colouring:
    return Colouring(FEATURES)


def notes(clips: int = 3) -> Tensor:
    """Struck notes with five partials each over a quiet floor, (B, 3, M, N)."""
    torch.manual_seed(2)
    image = torch.full((clips, 3, FEATURES.mel_bins, 96), -0.5)
    for clip in range(clips):
        for onset in range(4, 90, 16):
            decay = torch.arange(96 - onset) * 0.03
            for partial in range(1, 6):
                row = min(int(torch.randint(6, 12, ())) * partial, FEATURES.mel_bins - 1)
                note = 0.4 - 0.1 * partial - decay
                image[clip, :, row, onset:] = torch.maximum(image[clip, :, row, onset:], note)
    return image


def coloured(colouring: Colouring, image: Tensor, name: str, amount: float) -> Tensor:
    amounts = torch.zeros(len(image), len(COLOURS))
    amounts[:, COLOURS.index(name)] = amount
    return colouring(image, amounts)


def level_db(image: Tensor) -> Tensor:
    return 10 * torch.log10(torch.pow(10.0, image * 4).sum(dim=(1, 2, 3)))


def rows(image: Tensor) -> tuple[Tensor, Tensor]:
    """Centre and spread of the power over mel bins."""
    power = torch.pow(10.0, image * 2).mean(dim=(1, 3))
    power = power / power.sum(dim=1, keepdim=True)
    row = torch.arange(image.shape[2]).float()
    centre = (power * row).sum(dim=1)
    return centre, (power * (row - centre[:, None]).square()).sum(dim=1).sqrt()


def steepest_rise(image: Tensor) -> Tensor:
    return image.diff(dim=3).flatten(1).amax(dim=1)


def notes_heard(image: Tensor) -> Tensor:
    """Number of frames in which the level rises by more than 2 dB."""
    level = torch.logsumexp(image * 9.2, dim=(1, 2)) / 9.2
    return (level.diff(dim=1) > 2 * UNITS_PER_DB).sum(dim=1)


MOVES = {
    "brightness": lambda image: rows(image)[0],
    "loudness": level_db,
    "noisiness": lambda image: -(image[:, :, 1:] - image[:, :, :-1]).abs().mean(dim=(1, 2, 3)),
    "bandwidth": lambda image: rows(image)[1],
    "attack": steepest_rise,
    "pitch": lambda image: rows(image[:, :, :30])[0],
    "density": notes_heard,
}


def test_there_is_a_filter_for_each_descriptor() -> None:
    assert set(MOVES) == set(COLOURS)


@pytest.mark.parametrize("name", COLOURS)
def test_a_filter_moves_what_it_is_called_after(colouring: Colouring, name: str) -> None:
    image = notes()
    less, same, more = (MOVES[name](coloured(colouring, image, name, a)) for a in (-2, 0, 2))
    assert (less < same).all() or name == "density", "holding notes lets no onset go in this image"
    assert (less <= same).all() and (same < more).all()


@pytest.mark.parametrize("name", [name for name in COLOURS if name != "loudness"])
@pytest.mark.parametrize("amount", [-2.0, 2.0])
def test_only_loudness_moves_the_level(colouring: Colouring, name: str, amount: float) -> None:
    image = notes()
    change = level_db(coloured(colouring, image, name, amount)) - level_db(image)
    assert change.abs().max() < 0.5


def test_loudness_is_in_decibels(colouring: Colouring) -> None:
    image = notes()
    louder = level_db(coloured(colouring, image, "loudness", 1.5))
    assert torch.allclose(louder - level_db(image), torch.tensor(1.5 * LOUDNESS_DB), atol=0.05)


def test_nothing_is_made_of_silence(colouring: Colouring) -> None:
    silence = torch.full((2, 3, FEATURES.mel_bins, 20), -1.0)
    assert torch.equal(colouring(silence, torch.full((2, len(COLOURS)), 2.0)), silence)


def test_without_amounts_it_is_the_image(colouring: Colouring) -> None:
    image = notes()
    assert torch.allclose(colouring(image, torch.zeros(3, len(COLOURS))), image, atol=1e-5)
