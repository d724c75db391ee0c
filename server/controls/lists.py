"""The table of controls as text: ``--list-controls`` and ``docs/controls.md``."""

from __future__ import annotations

from server.controls.control import Control, ControlTable
from server.controls.table import control_table

_BANDS = 24
"""Bands of structure of the preset that ships."""


def markdown_table(style_dims: int = 16) -> str:
    """Return the table of ``docs/controls.md``, a line per row, with ``slug`` for any name."""
    lines = [
        "| address | arguments | default | MIDI | meaning |",
        "| --- | --- | --- | --- | --- |",
    ]
    bounds_hz = range(_BANDS + 1)  # each bundle has its own; the table shows none
    for row in control_table(style_dims, ("slug",), bounds_hz).rows:
        address = f"`{_folded_address(row)}`"
        cells = (address, _arguments(row), _default(row), _midi(row), row.description)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def listing(table: ControlTable) -> str:
    """Return the text of ``--list-controls``: one line per row, in columns."""
    rows = [
        (_folded_address(row), _arguments(row), _default(row), _midi(row)) for row in table.rows
    ]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            [*(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)), meaning]
        )
        for cells, meaning in zip(rows, (row.description for row in table.rows), strict=True)
    )


def _folded_address(row: Control) -> str:
    """``/latent/{0..15}``, ``/deck/{a,b}/load``, ``/named/{brightness,loudness}``."""
    if not row.members:
        return row.address
    first, last = row.members[0], row.members[-1]
    counted = len(row.members) > 4 and first.isdigit()
    some = f"{first}..{last}" if counted else ",".join(row.members)
    return row.address.replace("{}", f"{{{some}}}")


def _arguments(row: Control) -> str:
    """``f 0..1``, ``f... -3..3 spreads``, ``s``."""
    tags = f"{row.types[0]}..." if row.takes_fewer or row.repeats else " ".join(row.types)
    if row.choices:
        # A bar between them would end the table's cell.
        return f"{tags} {' or '.join(row.choices)}"
    if row.minimum is None or row.maximum is None:
        return tags
    also = "".join(f" or {value:g}" for value in row.also)
    return f"{tags} {row.minimum:g}..{row.maximum:g} {row.unit}".rstrip() + also


def _default(row: Control) -> str:
    if not row.is_value:
        return ""
    return row.choices[int(row.default)] if row.choices else f"{row.default:g} {row.unit}".rstrip()


def _midi(row: Control) -> str:
    """``CC1``, ``CC16-31``, ``bend``."""
    if row.midi_bend:
        return "bend"
    if not row.midi_ccs:
        return ""
    first, last = row.midi_ccs[0], row.midi_ccs[-1]
    return f"CC{first}" if first == last else f"CC{first}-{last}"
