"""The section "heard": what a listener gets of a bundle, question by question, beside its goals.

Everything is played by the server's engine and compared at the recordings' own rate, in stereo
where their files are at hand (``--sources``). Judges that are not ours (basic-pitch, musicnn,
zimtohrli) are not asked here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from training.evaluate.context import EvaluationContext, SectionError
from training.evaluate.heard import interpolation, knobs, rest, style, time, transfer
from training.evaluate.heard.listening import Answer, Listening
from training.evaluate.heard.player import Player
from training.measures.bundle_voice import BundleVoice


@dataclass(frozen=True)
class HeardQuestion:
    """A row of the section: ``lines`` are its tables as text, besides the goals."""

    name: str
    title: str
    measure: Callable[[Listening], Answer]
    lines: Callable[[Answer], Sequence[str]] = lambda answer: ()


QUESTIONS = (
    HeardQuestion("rest", "At rest", rest.measure_rest, rest.rest_lines),
    HeardQuestion("knobs", "Knobs", knobs.measure_heard_knobs, knobs.knob_lines),
    HeardQuestion("interpolation", "Interpolation", interpolation.measure_heard_interpolation),
    HeardQuestion("style", "Style", style.measure_style),
    HeardQuestion("transfer", "Transfer", transfer.measure_heard_transfer, transfer.transfer_lines),
    HeardQuestion("time", "Time", time.measure_heard_time),
)

MOST_CLIPS = max(
    rest.RECORDS, knobs.RECORDS, interpolation.PAIRS, style.PAIRS, transfer.PAIRS, time.RECORDS
)


def measure_heard(context: EvaluationContext) -> dict[str, Any]:
    """Every question's answer; one that cannot be asked of this music has ``left_out`` instead.

    Raises:
        SectionError: the model is a run, or a bundle whose decks have no detail.
    """
    listening = Listening(context, _player(context))
    answers = {one.name: {"title": one.title, **_answer(one, listening)} for one in QUESTIONS}
    records = listening.records(len(context.store.recordings))
    return {
        "seconds": context.seconds,
        "sample_rate_hz": sorted({record.rate_hz for record in records}),
        "stereo": sum(record.is_stereo for record in records),
        "records": len(records),
        "questions": answers,
    }


def heard_text(section: dict[str, Any]) -> str:
    """Every question's goals and tables."""
    rates = ", ".join(str(rate) for rate in section["sample_rate_hz"])
    parts = [
        f"heard: {section['records']} records ({section['stereo']} in stereo) at {rates} Hz, "
        f"{section['seconds']:g} s each, through the engine"
    ]
    for question in QUESTIONS:
        answer = section["questions"][question.name]
        if "left_out" in answer:
            parts.append(f"{question.title} left out: {answer['left_out']}")
        else:
            goals = [_goal_line(one) for one in answer["goals"]]
            parts.append("\n".join([question.title, *goals, *question.lines(answer)]))
    return "\n\n".join(parts)


def _player(context: EvaluationContext) -> Player:
    voice = context.model.voice
    if not isinstance(voice, BundleVoice) or not voice.bundle.manifest.gives_spectra:
        raise SectionError(
            "only a bundle of format 2 is heard with detail; export the run, or write an older "
            "bundle anew, with python -m export, and measure that"
        )
    return Player(voice.bundle, context.seed)


def _answer(question: HeardQuestion, listening: Listening) -> Answer:
    try:
        return question.measure(listening)
    except SectionError as error:
        return {"left_out": str(error)}


def _goal_line(goal: dict[str, Any]) -> str:
    said = {True: "reached", False: "not reached", None: ""}[goal["reached"]]
    wanted = f"{goal['goal']}: {said}".strip(": ") if goal["goal"] else ""
    return f"  {goal['words']:<58}{goal['mean']:9.3f} {goal['unit']:<12} {wanted}".rstrip()
