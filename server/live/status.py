"""Latency and the figures of ``/status.reply``, collected from the parts of a live session."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from server.clock.clocks import Clocks
from server.controls.desk import Desk
from server.controls.notify import Notifier
from server.controls.replies import Argument
from server.live.playback import Playback
from server.midi.input import MidiInput
from server.osc.scheduler import Scheduler
from server.osc.server import OscServer
from server.output.latency import Latency, latency


@dataclass(frozen=True)
class Status:
    """Reads its parts at each call."""

    desk: Desk
    playback: Playback
    osc: OscServer
    midi: MidiInput
    notifier: Notifier
    scheduler: Scheduler
    clocks: Clocks

    def latency(self) -> Latency:
        """Return the latency from a control to the sound, by its causes."""
        model = self.playback.switch.newest
        manifest = model.bundle.manifest
        return latency(
            block_s=self.playback.producer.block_s,
            ring_s=self.playback.live.path.target_s,
            device_s=self.playback.live.path.output.latency_s,
            window_s=manifest.latency_s,
            resampler_s=self.playback.live.path.resampler.latency_s,
            transposing_s=model.engine.lead_s,
            smoothing_s=self.desk.table.controls["/interp/style"].smoothing_s,
        )

    def figures(self) -> Mapping[str, Argument]:
        """Return the figures of ``/status.reply``."""
        model = self.playback.switch.newest
        return {
            "bundle": model.bundle.manifest.name,
            "provider": model.session.provider,
            "block_samples": self.playback.producer.block_samples,
            "model_rate_hz": float(model.bundle.manifest.sample_rate_hz),
            "device_rate_hz": float(self.playback.live.path.output.sample_rate_hz),
            "decode_p50_ms": self.playback.producer.timings.percentile_ms(50),
            "decode_p99_ms": self.playback.producer.timings.percentile_ms(99),
            "ring_blocks": self.playback.producer.ring_blocks,
            "late_blocks": self.playback.producer.late_blocks,
            "underruns": self.playback.live.underruns,
            "osc_received": self.osc.received,
            "osc_rejected": self.osc.rejected,
            "midi_received": self.midi.received,
            "midi_rejected": self.midi.rejected,
            "latency_ms": self.latency().total_ms,
            "device_xruns": self.playback.live.device_xruns,
            "process_id": os.getpid(),
            "output": str(self.playback.live.choice),
            "output_lost": int(self.playback.live.state == "lost"),
            "output_losses": self.playback.live.losses,
            "failed_blocks": model.engine.failed_blocks,
            "failed_ticks": model.engine.failed_ticks,
            "playing": int(self.desk.snapshot().playing),
            "osc_connections": len(self.osc.connections.open),
            "osc_notified": self.notifier.clients,
            "osc_waiting": self.scheduler.waiting,
            "osc_late": self.scheduler.late,
            "osc_far_ahead": self.scheduler.far_ahead,
            **self.clocks.status(),
            **self.playback.recordings.status(),
        }
