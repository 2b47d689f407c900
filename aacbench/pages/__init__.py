"""What every page that aacbench writes shares: its look, data safely inside HTML, the plot library.

A page is opened from disk and asks nothing of any network, so all that it needs is written beside
it or into it. Nothing here knows what a page shows.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.metadata import version
from importlib.resources import files

# What would end a script element, open a comment in it, or break a line of a JavaScript string;
# and halves of surrogate pairs, which no file in UTF-8 can hold.
_INERT = {code: f"\\u{code:04x}" for code in (*map(ord, "<>&\u2028\u2029"), *range(0xD800, 0xE000))}

# The libraries are put on `window` by name. The bundle is a module's text: in a function of its
# own, because the top level of a classic script is shared by all scripts of the page.
_SNIPPET = "window.vegaEmbed = vegaEmbed;"
_BUNDLE = """\
/* Vega {vega}, Vega-Lite {lite} and Vega-Embed {embed}, (c) University of Washington Interactive \
Data Lab and contributors, BSD-3-Clause: https://github.com/vega. Written by vl-convert {ours}. */
(() => {{
"use strict";
{text}
}})();
"""

WITHOUT_VEGA = "the plot library is missing: pip install 'aacbench[site]' brings vl-convert-python"


def embedded(value: object) -> str:
    """`value` as JSON that may stand inside ``<script type="application/json">``.

    Keys keep their order and floats their shortest exact form, so equal values give equal bytes.
    The only characters that HTML or JavaScript could take for their own are written as escapes.

    Raises:
        ValueError: `value` holds NaN or an infinity, which JSON has no word for.
        TypeError: `value` holds something that is not data.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate(_INERT)


def asset(name: str) -> str:
    """The text of a file of this package, such as ``"theme.js"``."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def theme() -> str:
    """The style sheet that every page starts from.

    Colours, type and space as CSS variables, each colour for light and dark paper; which of the
    two is the reader's setting, or ``<html data-theme="light|dark">``. Print is always light.
    """
    return asset("theme.css")


@cache
def vega() -> str | None:
    """Vega, Vega-Lite and Vega-Embed as one classic script (0.9 MB) that sets `window.vegaEmbed`.

    None where vl-convert-python is not installed: `WITHOUT_VEGA` says how to get it. The same
    version of that package gives the same bytes.
    """
    try:
        import vl_convert
    except ImportError:
        return None
    return _BUNDLE.format(
        vega=vl_convert.get_vega_version(),
        lite=vl_convert.get_vegalite_versions()[-1],
        embed=vl_convert.get_vega_embed_version(),
        ours=version("vl-convert-python"),
        text=vl_convert.javascript_bundle(_SNIPPET),
    )
