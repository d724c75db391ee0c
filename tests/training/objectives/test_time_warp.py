import torch

from training.objectives.time_warp import FASTEST, read_at, warped_positions


def test_with_a_share_of_zero_time_is_not_warped() -> None:
    positions = warped_positions(3, 10, share=0.0, device=torch.device("cpu"))
    assert torch.equal(positions, torch.arange(10.0).expand(3, -1))


def test_warped_time_stays_inside_the_clip_and_below_the_fastest_speed() -> None:
    torch.manual_seed(0)
    positions = warped_positions(200, 40, share=1.0, device=torch.device("cpu"))
    assert positions.min() >= 0 and positions.max() <= 39
    assert (positions.diff(dim=1).abs() <= FASTEST + 1e-4).all()


def test_warped_time_stands_still_and_runs_backwards_and_forwards() -> None:
    torch.manual_seed(0)
    steps = warped_positions(200, 40, share=1.0, device=torch.device("cpu")).diff(dim=1)
    for kind in (steps == 0, steps < -0.1, steps > 0.1):
        assert kind.any(dim=1).float().mean() > 0.2


def test_only_the_given_share_is_warped() -> None:
    torch.manual_seed(0)
    positions = warped_positions(1000, 8, share=0.3, device=torch.device("cpu"))
    straight = (positions == torch.arange(8.0)).all(dim=1).float().mean()
    assert 0.6 < straight < 0.8


def test_reading_is_linear_between_frames() -> None:
    x = torch.arange(10.0).expand(2, 3, 4, 10)
    positions = torch.tensor([[0.0, 0.5, 9.0], [8.25, 3.0, 2.75]])
    read = read_at(x[..., :3] * 0 + 0, torch.zeros(2, 3))
    assert read.shape == (2, 3, 4, 3)
    read = read_at(x, torch.cat([positions, torch.zeros(2, 7)], dim=1))
    assert torch.allclose(read[0, 1, 2, :3], positions[0])
    assert torch.allclose(read[1, 0, 3, :3], positions[1])


def test_reading_at_the_original_positions_changes_nothing() -> None:
    x = torch.randn(2, 5, 7)
    assert torch.equal(read_at(x, torch.arange(7.0).expand(2, -1)), x)
