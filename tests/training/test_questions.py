"""Who lends a style to whom."""

from __future__ import annotations

import torch

from training.questions import ask

SCORE_AND_RECORDING = torch.tensor([True, False])


def test_unswapped_each_clip_has_its_own_style_and_is_its_own_answer() -> None:
    questions = ask(SCORE_AND_RECORDING, 0.0, 0.0)
    assert questions.style_of.tolist() == questions.answer.tolist() == [0, 1, 2, 3]


def test_swapped_a_score_s_answer_is_the_other_a_recording_s_itself() -> None:
    questions = ask(SCORE_AND_RECORDING, 1.0, 1.0)
    assert questions.style_of.tolist() == [1, 0, 3, 2]
    assert questions.answer.tolist() == [1, 0, 2, 3]


def test_shares_are_of_pairs() -> None:
    torch.manual_seed(0)
    questions = ask(torch.tensor([True, False] * 2000), 0.8, 0.2)
    swapped = (questions.style_of != torch.arange(8000)).view(-1, 2, 2).float()
    assert torch.equal(swapped[..., 0], swapped[..., 1])
    assert abs(float(swapped[:, 0].mean()) - 0.8) < 0.03
    assert abs(float(swapped[:, 1].mean()) - 0.2) < 0.03
