"""The other parts of a report's page, each from the figures of one section."""

from __future__ import annotations

from typing import Any

from training.report import html as html
from training.report.html import Cell, Column, Row

Section = dict[str, Any]

METRIC_TITLES = {
    "spectral_distance": "spectral distance",
    "spectral_distance_rave": "spectral distance",
    "log_mel_l1": "log-mel L1",
    "mfcc_distance": "MFCC distance",
    "chroma_correlation": "chroma r",
    "onset_f1": "onset F1",
    "level_db": "level",
}
GROUP_TITLES = {"all": "All clips", "real": "Real recordings", "rendered": "Rendered scores"}


def reconstruction(section: Section) -> str:
    """Comparison tables by group, the best and the worst to hear, every clip."""
    return html.section(
        "reconstruction",
        "Reconstruction",
        f"Each excerpt of {section['seconds']:.1f} s is encoded and decoded as on stage and held "
        "against the original, levels as they are. The small figure is half of the mean's 95 % "
        "interval over clips. The best of each column is underlined.",
        *(_group(section, name) for name in section["groups"]),
        _latent_words(section["latents"]),
        *(_heard_clip(one) for one in section["shown"]),
        html.details("Every clip", _every_clip(section)),
    )


def _group(section: Section, name: str) -> str:
    group, metrics = section["groups"][name], section["metrics"]
    best = {
        metric: _best(group["sound"], metric, about["better"]) for metric, about in metrics.items()
    }
    rows = []
    for method, figures in group["sound"].items():
        cells = [Cell(section["methods"][method])]
        for metric in metrics:
            cell = html.interval(figures[metric], 3 if metric == "log_mel_l1" else 2)
            kind = "best" if best[metric] == method else ""
            cells.append(Cell(cell.text, cell.small, kind))
        rows.append(Row(cells, own=method == "model"))
    columns = [Column("")]
    columns += [Column(METRIC_TITLES[metric], about["unit"]) for metric, about in metrics.items()]
    shares = ", ".join(
        f"{html.share(value)} of the way to {section['methods'][to]}"
        for to, value in group["share_closed"].items()
    )
    words = f"From (c), noise, the whole model has come {shares}."
    if group["image_l1"]:
        image = {key: html.number(one["mean"], 3) for key, one in group["image_l1"].items()}
        words += (
            f" Its image is {image['model']} from the true one; the clip's mean spectrum "
            f"{image['mean_spectrum']}, another clip's style {image['other_style']}, mean style "
            f"{image['without_style']}, no structure {image['without_structure']}."
        )
    title = f"{GROUP_TITLES[name]} ({group['clips']})"
    return html.heading(title) + html.table(columns, rows) + html.paragraph(words, "note")


def _best(sound: Section, metric: str, better: str) -> str:
    """The method with the best mean."""
    means = {method: one[metric]["mean"] for method, one in sound.items()}
    there = {method: value for method, value in means.items() if value is not None}
    if not there:
        return ""
    keys = {
        "lower": lambda method: there[method],
        "higher": lambda method: -there[method],
        "nearest 0": lambda method: abs(there[method]),
    }
    return min(there, key=keys[better])


def _latent_words(latents: Section) -> str:
    words = f"Of {latents['style_dims']} style dimensions "
    if latents["active"] is not None:
        words += f"{latents['active']} are active (means spread wider than one posterior), "
    return html.paragraph(f"{words}{latents['informed']} have a variance over 0.01.", "note")


def _heard_clip(one: Section) -> str:
    title = f"{one['place'].capitalize()}: {one['clip']} ({one['kind']})"
    return html.heading(title) + html.panels(one["panels"])


def _every_clip(section: Section) -> str:
    metrics = list(section["metrics"])
    rows = [
        Row(
            [
                Cell(f"{clip['recording'].rsplit('/', 1)[-1][:48]}, {clip['start_s']:.0f} s"),
                Cell(clip["kind"]),
                *(Cell(html.number(clip["sound"]["model"][metric])) for metric in metrics),
            ]
        )
        for clip in section["clips"]
    ]
    columns = [Column("clip"), Column("kind")]
    columns += [Column(METRIC_TITLES[one], section["metrics"][one]["unit"]) for one in metrics]
    return html.table(columns, rows, "the whole model")


def interpolation(section: Section) -> str:
    """How even and how long the ways are, and some of them to see and hear."""
    columns = {
        "mel_length": Column("length", "log-mel"),
        "mel_detour": Column("detour", "1 is straight"),
        "mel_largest": Column("largest step", "0.1 is even"),
        "descriptors_length": Column("length", "descriptors"),
        "descriptors_detour": Column("detour", "1 is straight"),
        "descriptors_largest": Column("largest step", "0.1 is even"),
    }
    rows = [
        Row(
            [
                Cell(section["titles"][way]),
                *(html.interval(figures[name]) for name in columns),
            ],
            own=way == "both",
        )
        for way, figures in section["summary"].items()
    ]
    return html.section(
        "interpolation",
        "Interpolation",
        f"Eleven positions between {html.counted(len(section['pairs']), 'pair')} of clips. The "
        "length of a way is the sum of its ten steps, the detour that length over the direct "
        "distance of its ends, the largest step a share of the length. Descriptors are counted in "
        "standard deviations.",
        html.table([Column(""), *columns.values()], rows),
        *(_way_heard(one) for one in section["shown"]),
    )


def _way_heard(one: Section) -> str:
    strips = "".join(
        html.paragraph(way, "note") + html.picture_strip(path, f"{way}, 0 to 1")
        for way, path in one["pictures"].items()
    )
    return html.heading(f"{one['a']} → {one['b']}") + strips + html.players(one["sounds"])


def swaps(section: Section) -> str:
    """What a swap keeps of each side, and the held chord."""
    columns = {
        "mfcc_to_b": Column("timbre to B", "MFCC, dB, lower is nearer"),
        "mfcc_to_a": Column("timbre to A", "MFCC, dB"),
        "onsets_of_a": Column("rhythm of A", "onset envelope, r"),
        "chroma_of_a": Column("notes of A", "chroma, r"),
        "tempo_of_a": Column("tempo of A", "share within 4 %"),
    }
    rows = [
        Row(
            [Cell(section["titles"][name]), *(html.interval(figures[key]) for key in columns)],
            own=name == "swap",
        )
        for name, figures in section["summary"].items()
    ]
    chord = section["chord"]
    chord_rows = [
        Row(
            [
                Cell(words),
                html.interval(chord[key]["pitches"]),
                html.interval(chord[key]["unrest_db"]),
            ],
            own=key == "swapped",
        )
        for key, words in (
            ("swapped", "in another clip's style"),
            ("own_style", "in its own style"),
            ("b_by_itself", "the other clip by itself (chance)"),
        )
    ]
    return html.section(
        "swaps",
        "Swaps",
        "Structure of A with the style of B on "
        f"{html.counted(len(section['pairs']), 'pair')} of unlike clips: there is no true "
        "answer, so the swap stands beside A and B as the model plays them.",
        html.table([Column(""), *columns.values()], rows),
        html.heading("A held chord"),
        html.table(
            [Column(""), Column("pitches kept", "chroma, r"), Column("unrest", "dB of level")],
            chord_rows,
        ),
        html.players(chord["sounds"]),
        *(
            html.heading(f"{one['a']} in the style of {one['b']}") + html.panels(one["panels"])
            for one in section["shown"]
        ),
    )


MEASURE_COLUMNS = {
    "spectral_distance": Column("spectral distance", "eps 1e-3"),
    "log_mel_l1": Column("log-mel L1", "image units"),
    "mfcc_distance": Column("MFCC distance", "dB"),
}


def transfer(section: Section) -> str:
    """Distances to the true answer, all methods and every pair."""
    rows = [
        Row(
            [
                Cell(section["titles"][method]),
                *(html.interval(figures[name], 3) for name in MEASURE_COLUMNS),
            ],
            own=method == "transfer",
        )
        for method, figures in section["summary"].items()
    ]
    cells = [Cell("nearer than copy, noise and cross-synthesis")]
    for name in MEASURE_COLUMNS:
        one = section["nearer"][name]
        cells.append(Cell(html.share(one["share"]), f"{one['pairs_won']} of {one['pairs']} pairs"))
    return html.section(
        "transfer",
        "Transfer",
        "One score, two instruments: structure from A's rendering, style from B's at another place "
        "of the piece, and the answer is B playing A's place. All at the answer's level; distances "
        "to the answer.",
        html.table([Column(""), *MEASURE_COLUMNS.values()], [*rows, Row(cells)]),
        *(
            html.heading(f"{one['score']}: {one['a']} → {one['b']}") + html.panels(one["panels"])
            for one in section["shown"]
        ),
        html.details("Every pair", _every_pair(section)),
    )


def _every_pair(section: Section) -> str:
    methods = list(section["titles"])
    rows = [
        Row(
            [
                Cell(row["score"]),
                Cell(f"{row['a'][:16]} → {row['b'][:16]}"),
                *(Cell(html.number(row[method]["spectral_distance"])) for method in methods),
            ]
        )
        for row in section["pairs"]
    ]
    columns = [Column("score"), Column("instruments")]
    columns += [Column(section["titles"][method]) for method in methods]
    return html.table(columns, rows, "spectral distance to the answer")


def time_travel(section: Section) -> str:
    """Freeze, loop, slow and reverse."""
    means = section["summary"]
    rows = [
        ("level after ten seconds of freeze", "freeze_drift_db", "dB, against the first second"),
        ("pass 200 of a loop", "loop_200_to_2", "log-mel L1 to pass 2"),
        ("pass 3 of a loop", "loop_3_to_2", "log-mel L1 to pass 2"),
        ("level of pass 200", "loop_level_db", "dB, against pass 2"),
        ("forward", "forward", "log-mel L1 to the true image"),
        ("a quarter of the speed", "slow", "to the true image, slowed"),
        ("backwards", "reverse", "to the true image, reversed"),
        ("mean spectrum, forward", "forward_mean_spectrum", "for comparison"),
    ]
    return html.section(
        "time",
        "Time",
        f"The playhead stands still, loops, crawls and runs backwards on "
        f"{html.counted(len(section['clips']), 'clip')}.",
        html.table(
            [Column(""), Column(""), Column("")],
            [
                Row([Cell(words), html.interval(means[key], 3), Cell(unit, kind="words")])
                for words, key, unit in rows
            ],
        ),
        *(html.heading(one["clip"]) + html.players(one["sounds"]) for one in section["shown"]),
    )
