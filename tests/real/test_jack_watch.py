"""What JACK tells of its graph, asked of a server."""

from __future__ import annotations

import time
from contextlib import closing

from server.midi.ports.jack_watch import RESTS_AFTER_PERIODS, JackWatch
from tests.real.controllers import controller
from tests.real.jack_server import JackServer
from tests.real.needs import needs_jack_midi
from tests.waiting import until


def test_the_graph_is_left_to_rest_before_it_is_changed(jack: JackServer) -> None:
    """Closing a port while the graph moves has broken the program: one of 340 closings did."""
    needs_jack_midi()
    rest_s = RESTS_AFTER_PERIODS * jack.period_samples / jack.sample_rate_hz
    with closing(JackWatch("resting")) as watch:
        with controller("knobs"):
            until(lambda: "knobs:out" in watch.names(inputs=True))
            there_s = time.monotonic()
            with watch.at_rest():
                first_s = time.monotonic()
        with watch.at_rest():
            second_s = time.monotonic()
    assert first_s - there_s > rest_s, "somebody else has changed it"
    assert second_s - first_s > rest_s, "we have changed it"
