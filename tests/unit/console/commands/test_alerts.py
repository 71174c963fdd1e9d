from console.commands import alerts
from models.cases import decisions


def test_the_command_knows_every_outcome() -> None:
    assert tuple(alerts.OUTCOMES) == decisions.OUTCOMES
