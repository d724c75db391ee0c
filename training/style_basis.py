"""Weights of before knobs were taught, turned so that the dimensions of the colours lie ready.

A model's style space may be turned and stretched as one likes: with the inverse in every weight of
the decoder that hears style, it plays exactly what it played before. Here it is turned so that
dimension n lies where the encoder already puts clips of colour n (``training.colouring``), as far
as these directions can be at right angles, and stretched so that the music's spread along it is 1:
the decoder has least to learn anew. Only contrasts (``model.contrast``) are told where to begin.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.features import LogMelImage
from model.instrument import Instrument
from model.modes import evaluating
from training.colouring import COLOURS, Colouring
from training.data import ClipPairs
from training.store import Store

AMOUNT = 1.5
LEAST_SPREAD = 1e-3


@torch.no_grad()
def lay_colours_first(model: Instrument, store: Store, batches: int = 8, clips: int = 12) -> None:
    """Turn the style space of ``model`` after what its encoder does with coloured training clips.

    The posterior's variances stay as they were, dimension by dimension: they are not turned.
    """
    styles, moves = _colour_moves(model, store, batches, clips)
    change_style_basis(model, colour_basis(moves, torch.cov(styles.T)))
    model.decoder.contrast.lean()


def colour_basis(moves: Tensor, covariance: Tensor) -> Tensor:
    """The new coordinates as rows (D, D) of the old ones.

    First the orthonormal frame nearest to the unit ``moves`` (7, D) (Löwdin's), each row for a
    spread of 1 under ``covariance`` (D, D); then the principal axes of what is left.
    """
    taught = min(moves.shape)
    left, _, right = torch.linalg.svd(nn.functional.normalize(moves[:taught]), full_matrices=False)
    frame = left @ right
    free = torch.linalg.svd(frame)[2][taught:]
    inside = torch.linalg.eigh(free @ covariance @ free.T)[1].flip(1)
    spread = (frame @ covariance * frame).sum(dim=1).sqrt().clamp(min=LEAST_SPREAD)
    return torch.cat([frame / spread[:, None], inside.T @ free])


@torch.no_grad()
def change_style_basis(model: Instrument, basis: Tensor) -> None:
    """Style z becomes ``basis`` (D, D) times z, in encoder and decoder alike."""
    head, inverse = model.encoder.style.mean, torch.linalg.inv(basis)
    head.weight.copy_(basis @ head.weight)
    head.bias.copy_(basis @ head.bias)
    for weight in _style_weights(model):
        columns = weight[:, : len(basis)]
        columns.copy_((columns.flatten(1) @ inverse).reshape(columns.shape))


def _style_weights(model: Instrument) -> list[Tensor]:
    """The decoder's weights (outputs, inputs, ...) whose first inputs are style."""
    decoder = model.decoder
    streams = [decoder.lstm] + ([decoder.conductor.lstm] if decoder.conductor else [])
    return [
        decoder.envelope.weight,
        decoder.contrast.gains.weight,
        *(stream.lstm.get_parameter("weight_ih_l0") for stream in streams),
        *(block.film.modulation.weight for block in decoder.blocks),
    ]


def _colour_moves(
    model: Instrument, store: Store, batches: int, clips: int
) -> tuple[Tensor, Tensor]:
    """Styles of training clips (n, D), and how far ``AMOUNT`` of each colour moves them, (7, D)."""
    config = model.config
    device = next(model.parameters()).device
    features = LogMelImage(config.features).to(device)
    colouring = Colouring(config.features).to(device)
    pairs = ClipPairs(store, config.input_samples, clips, batches, seed=3, same_score_share=0)
    styles, moves = [], []
    with evaluating(model):
        for index in range(batches):
            image = features(pairs[index].audio[:, 0].to(device))
            styles.append(model.encoder(image).style_mean)
            ends = [
                model.encoder(colouring(image, sign * _only(colour, image))).style_mean
                for colour in range(len(COLOURS))
                for sign in (1, -1)
            ]
            more, less = torch.stack(ends).view(len(COLOURS), 2, clips, -1).unbind(1)
            moves.append((more - less).mean(dim=1) / 2)
    return torch.cat(styles), torch.stack(moves).mean(dim=0)


def _only(colour: int, image: Tensor) -> Tensor:
    amounts = image.new_zeros(len(image), len(COLOURS))
    amounts[:, colour] = AMOUNT
    return amounts
