import pytest

from examapp.clock import ClockWatch


@pytest.mark.parametrize(
    ("wall", "steady", "step"),
    [
        ((100, 103), (5, 8), None),
        ((100, 104.9), (5, 8), None),
        ((100, 3703), (5, 8), 3600),
        ((100, 3), (5, 8), -100),
        ((100, 43), (5, 8), -60),
    ],
    ids=["as it should", "slewed", "an hour ahead", "back", "a minute back"],
)
def test_clock_that_was_set_is_noticed(wall: tuple[float, float], steady: tuple[float, float], step: float) -> None:
    watch = ClockWatch(iter(wall).__next__, iter(steady).__next__)
    assert watch.step() == step


def test_step_is_told_once() -> None:
    watch = ClockWatch(iter([0.0, 50.0, 53.0]).__next__, iter([0.0, 3.0, 6.0]).__next__)
    assert (watch.step(), watch.step()) == (47.0, None)
