"""A sequencer on JACK that sends MIDI clock and records one port until its standard input closes.

    SOURCE_PORT SECONDS OUT.npy BPM JITTER_MS START_BEAT [CHANGE_BEAT BPM]

Ticks begin once a client has connected to it; Start is just before START_BEAT. Sending and
recording share one process callback, and so their frames. At the end it prints the frames in the
recording of the first tick after Start and after the change, and how many frames it missed.
"""

from __future__ import annotations

import sys
import threading
import time

import jack
import numpy as np

TICKS = 24
CLOCK, START = b"\xf8", b"\xfa"


def schedule(rate_hz: int, bpm: float, jitter_s: float, start: int, change: int, then: float):  # type: ignore[no-untyped-def]
    """The frames of all ticks, as sent (with jitter) and as intended."""
    count = 400 * TICKS
    tempi = np.where(np.arange(count) < change * TICKS, bpm, then)
    even = np.concatenate([[0.0], np.cumsum(60 / tempi / TICKS)])[:count]
    jitter = np.random.default_rng(0).uniform(0, 2 * jitter_s, count) - jitter_s
    sent = np.maximum.accumulate(even + jitter - jitter[0])
    return np.round(sent * rate_hz).astype(int), np.round(even * rate_hz).astype(int)


def main() -> None:
    """Play until standard input closes."""
    source, seconds, out = sys.argv[1], float(sys.argv[2]), sys.argv[3]
    bpm, jitter_ms, start = float(sys.argv[4]), float(sys.argv[5]), int(sys.argv[6])
    change, then = (int(sys.argv[7]), float(sys.argv[8])) if len(sys.argv) > 7 else (10**6, bpm)
    client = jack.Client("sequencer", no_start_server=True)
    audio, midi = client.inports.register("in"), client.midi_outports.register("out")
    sent, even = schedule(client.samplerate, bpm, jitter_ms / 1000, start, change, then)
    recorded = np.zeros(int(seconds * client.samplerate), np.float32)
    first = begun = -1
    end, tick, missed = 0, 0, 0
    go = threading.Event()

    @client.set_process_callback  # type: ignore[untyped-decorator]
    def process(frames: int) -> None:
        nonlocal first, end, begun, tick, missed
        # Counted by the server: a callback that came too late leaves a gap and shifts nothing.
        first = client.last_frame_time if first < 0 else first
        position = client.last_frame_time - first
        missed += position - end
        end = position + frames
        room = recorded[position:end]
        room[:] = audio.get_array()[: len(room)]
        midi.clear_buffer()
        if go.is_set() and begun < 0:
            begun = end
        while begun >= 0 and begun + sent[tick] < end:
            offset = int(max(begun + sent[tick] - position, 0))
            if tick == start * TICKS:
                midi.write_midi_event(offset, START)
            midi.write_midi_event(offset, CLOCK)
            tick += 1

    with client:
        client.connect(source, "sequencer:in")
        while not midi.connections:
            time.sleep(0.05)
        go.set()
        sys.stdin.read()
    np.save(out, recorded[:end])
    changed = even[change * TICKS] if change * TICKS < len(even) else 0
    print(begun + even[start * TICKS], begun + changed, missed, flush=True)


if __name__ == "__main__":
    main()
