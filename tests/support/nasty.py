"""Captions that a page must not obey, by the clip that they are said of."""

from __future__ import annotations

MARKUP = '<img src=x onerror="window.broken = 1"><b>bold</b>'
SCRIPT = "</script><script>window.broken = 2</script><!-- "
TURNED = "a dog \u202ebarks\u202c and \u2067turns\u2069 round"
LONG = "a very long rain " * 300
UNBROKEN = "rain" * 1250
LINES = "a dog\nbarks\r\nand\n\n\n\n\n\n\n\n\n\nrain falls"
SURROGATE = "a dog \ud83d barks {{data}} {{title}} __proto__ \u2028 \x00"

NASTY = {
    "10.wav": MARKUP,
    "11.wav": SCRIPT,
    "12.wav": TURNED,
    "13.wav": LONG,
    "14.wav": UNBROKEN,
    "15.wav": LINES,
    "16.wav": SURROGATE,
    "17.wav": "   ",
}
