"""The watch on JACK's graph, with a real server."""

from __future__ import annotations

import time
from contextlib import closing

from server.midi.ports.jack_watch import RESTS_AFTER_PERIODS, JackWatch
from tests.real.controllers import controller
from tests.real.jack_server import JackServer
from tests.real.needs import needs_jack_midi
from tests.waiting import until


def test_the_graph_is_changed_only_after_it_has_been_at_rest(jack: JackServer) -> None:
    """Closing a port while the graph changes has crashed the program: one of 340 closings did."""
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
    assert first_s - there_s > rest_s, "another client has changed it"
    assert second_s - first_s > rest_s, "we have changed it"
