import pytest
from pydantic import ValidationError

from models.config import ChurnConfig


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"role": "visit"}, "role must be purchase"),
        ({"horizon": "2w"}, "longer than horizon"),
        ({"label_horizon": "1h"}, "too short"),
        ({"bands": {"medium": 0.8, "high": 0.5}}, "below the high"),
        ({"horizons": "2w"}, "horizons"),
        ({"panel": 0}, "panel"),
        ({"hold_out": 0.7}, "hold_out"),
        ({"outages": [{"from": "2026-11-03T00:00:00Z", "to": "2026-11-02T00:00:00Z"}]}, "ends after it began"),
        ({"outages": [{"from": "2026-11-02T00:00:00", "to": "2026-11-03T00:00:00Z"}]}, "names no zone"),
        ({"definitions": [{"name": "a", "ends_by": {}}]}, "exactly one of"),
        ({"definitions": [{"name": "a", "ends_by": {"no": "visit", "mrr": 0}}]}, "exactly one of"),
        ({"definitions": [{"name": "a", "ends_by": {"no": "visit", "period": "30d"}}]}, "only a subscription"),
        ({"definitions": [{"name": "a", "ends_by": {"mrr": 0, "grace": "3d"}}]}, "write the period"),
        ({"definitions": [{"name": "a", "ends_by": {"mrr": 0}, "label_horizon": "2w"}]}, "no label_horizon"),
        ({"definitions": [{"name": "a", "ends_by": {"no": "visit"}, "horizon": "1h", "label_horizon": "2h"}]}, "a: .*"),
        ({"definitions": [{"name": "a", "ends_by": {"mrr": 0}}, {"name": "a", "ends_by": {"mrr": 0}}]}, "twice as a"),
        ({"outages": [{"from": "yesterday", "to": "2026-11-03T00:00:00Z"}]}, "is no time"),
    ],
)
def test_a_wrong_churn_configuration_says_what_is_wrong(wrong, said):
    with pytest.raises(ValidationError, match=said):
        ChurnConfig.model_validate(wrong)


def test_an_outage_is_read_and_written_as_people_write_times():
    config = ChurnConfig.model_validate(
        {"outages": [{"from": "2026-11-02T11:00:00+01:00", "to": "2026-11-03T00:00:00Z"}], "outage": None}
    )

    [outage] = config.model_dump(mode="json", by_alias=True)["outages"]
    assert outage == {"from": "2026-11-02T10:00:00Z", "to": "2026-11-03T00:00:00Z"}
    assert ChurnConfig.model_validate(config.model_dump(mode="json", by_alias=True)) == config
