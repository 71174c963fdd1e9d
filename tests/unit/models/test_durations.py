import pytest
from pydantic import TypeAdapter, ValidationError

from models.durations import Duration


@pytest.mark.parametrize(
    ("text", "seconds"), [("90d", 7776000), ("26w", 15724800), ("12h", 43200), ("30m", 1800), ("15s", 15), (60, 60)]
)
def test_durations_are_seconds(text, seconds):
    assert TypeAdapter(Duration).validate_python(text) == seconds


@pytest.mark.parametrize("text", ["90", "3 moons", "-1d", "0d", "", None, True, float("inf"), float("nan")])
def test_what_is_no_duration_is_refused_with_the_way_to_write_one(text):
    with pytest.raises(ValidationError, match="duration"):
        TypeAdapter(Duration).validate_python(text)
