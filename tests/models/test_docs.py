"""`docs/models.md` shows the measures there are."""

from models.population.measures import MEASURES
from tests import REPOSITORY

PAGE = (REPOSITORY / "docs" / "models.md").read_text()


def test_the_table_of_measures_is_the_one_in_the_code():
    rows = [f"| `{name}` | {measure.unit} | {measure.meaning} |" for name, measure in MEASURES.items()]

    shown = PAGE.split("### Measures")[1].split("### ")[0]

    assert [line for line in shown.splitlines() if line.startswith("| `")] == rows
