import pytest
from pydantic import TypeAdapter, ValidationError

from models.durations import Duration, Moment


@pytest.mark.parametrize(
    ("text", "seconds"), [("90d", 7776000), ("26w", 15724800), ("12h", 43200), ("30m", 1800), ("15s", 15), (60, 60)]
)
def test_durations_are_seconds(text, seconds):
    assert TypeAdapter(Duration).validate_python(text) == seconds


@pytest.mark.parametrize("text", ["90", "3 moons", "-1d", "0d", "", None, True, float("inf"), float("nan"), 10**400])
def test_what_is_no_duration_is_refused_with_the_way_to_write_one(text):
    with pytest.raises(ValidationError, match="duration"):
        TypeAdapter(Duration).validate_python(text)


@pytest.mark.parametrize("value", ["9999-12-31T23:59:59-14:00", 1e12, -1e300, float("nan"), 10**400])
def test_a_time_that_no_calendar_has_is_refused_since_nobody_could_write_it(value):
    with pytest.raises(ValidationError, match="years 1 to 9999"):
        TypeAdapter(Moment).validate_python(value)


@pytest.mark.parametrize("value", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_the_first_and_the_last_time_are_written_as_they_were_read(value):
    moments = TypeAdapter(Moment)
    assert moments.dump_python(moments.validate_python(value), mode="json") == value
