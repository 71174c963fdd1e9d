"""The catalogues of the languages of the pages, in gettext's format, and the words that no template spells."""
