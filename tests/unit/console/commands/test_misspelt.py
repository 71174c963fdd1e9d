from console.commands.misspelt import misspelt


def test_a_misspelt_variable_is_told_with_the_nearest_one() -> None:
    environ = ["PATH", "RAPPORT_PARTITION", "RAPPORT_QUUX", "RAPPORT_PORT", "RAPPORT_WRITE_KEY_WEB", "RAPPORT_URL"]

    assert list(misspelt(environ)) == [
        "RAPPORT_PARTITION is no setting and is ignored; did you mean RAPPORT_PARTITIONS?",
        "RAPPORT_QUUX is no setting and is ignored",
    ]
