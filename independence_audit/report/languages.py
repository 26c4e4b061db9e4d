"""The languages of reports; apart from the words themselves, so that ``audit --help`` need not load them."""

ENGLISH = "en"
KOREAN = "ko"
LANGUAGES = (ENGLISH, KOREAN)
"""Languages that have a catalogue; the first is the one unless another is asked for."""
