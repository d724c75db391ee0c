"""The transforms in real arithmetic equal an FFT, in training and in an export."""

from __future__ import annotations

import pytest
import torch

from model.dft import InverseDFT, MagnitudeDFT


@pytest.mark.parametrize("window_samples", [256, 512, 1024, 2048, 4096])
def test_the_exported_form_equals_the_fft(
    window_samples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = torch.randn(2, 3, window_samples)
    dft = MagnitudeDFT(window_samples)
    fast = dft(frames)
    monkeypatch.setattr(torch.onnx, "is_in_onnx_export", lambda: True)
    exported = dft(frames)
    assert exported.shape == fast.shape == (2, 3, window_samples // 2 + 1)
    torch.testing.assert_close(exported, fast, atol=2e-4, rtol=1e-5)


def test_a_window_that_is_no_power_of_two_is_refused() -> None:
    with pytest.raises(ValueError, match="1000 samples is not a power of two"):
        MagnitudeDFT(1000)


@pytest.mark.parametrize("exporting", [False, True])
@pytest.mark.parametrize("window_samples", [64, 512, 1024, 2048])
def test_the_inverse_gives_back_the_signal_centred(
    window_samples: int, exporting: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.onnx, "is_in_onnx_export", lambda: exporting)
    signal = torch.randn(4, 3, window_samples)
    spectrum = torch.fft.rfft(torch.fft.ifftshift(signal, dim=-1))
    back = InverseDFT(window_samples)(spectrum.real, spectrum.imag)
    torch.testing.assert_close(back, signal, atol=1e-5, rtol=1e-5)
