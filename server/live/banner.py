"""The lines printed when playing starts: bundle, output, latency, input, decks, OSC."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from server.osc.senders import host_and_port
from server.output.latency import Latency
from server.output.producer import Producer
from server.output.protocol import Output


def banner_lines(
    bundle: str,
    provider: str,
    output: Output,
    producer: Producer,
    latency: Latency,
    decks: Mapping[str, str],
    osc: Sequence[tuple[str, int]],
    live_input: str,
) -> Iterator[str]:
    """Yield the lines; ``decks`` maps decks to their music, ``osc`` lists listening addresses."""
    rate_hz = producer.block_samples / producer.block_s
    yield f"bundle {bundle}, decoding on {provider}"
    yield (
        f"output {output.name} at {output.sample_rate_hz:g} Hz, blocks of "
        f"{producer.block_samples} samples at {rate_hz:g} Hz"
    )
    yield f"latency from control to sound\n{latency.table()}"
    yield f"input {live_input}"
    loaded = ", ".join(f"{name}: {source}" for name, source in decks.items())
    yield f"decks {loaded or 'are empty; load a recording with --deck-a FILE'}"
    yield from (f"OSC on {host_and_port(*address)}" for address in osc)
    if not osc:
        yield "OSC is off"
    yield "playing; Ctrl-C ends"
