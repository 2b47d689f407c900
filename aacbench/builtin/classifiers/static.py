"""One fixed vector for every word piece: what all-MiniLM-L6-v2 says of the piece alone.

Each piece is embedded as a text of one piece; the principal components of all of them, brought to
equal spread by the square root of their variance, are kept in eight bits. No sentence is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from aacbench.builtin.classifiers.pieces import readable
from aacbench.builtin.encoders.clap.text_space import text_space

if TYPE_CHECKING:
    import numpy.typing as npt

BATCH = 512


def piece_vectors() -> tuple[list[str], npt.NDArray[np.float32]]:
    """The readable pieces of MiniLM's vocabulary, and (pieces, 384) their mean states."""
    model: Any = text_space("cpu")._model
    tokenizer = model.tokenizer
    numbers = {piece: number for piece, number in tokenizer.get_vocab().items() if readable(piece)}
    pieces = sorted(numbers, key=numbers.__getitem__)
    body = model[0].auto_model.eval()
    rows = []
    with torch.inference_mode():
        for start in range(0, len(pieces), BATCH):
            ids = torch.tensor([numbers[piece] for piece in pieces[start : start + BATCH]])
            ends = torch.tensor([[tokenizer.cls_token_id, tokenizer.sep_token_id]])
            ends = ends.expand(len(ids), 2)
            whole = torch.stack([ends[:, 0], ids, ends[:, 1]], 1)
            states = body(input_ids=whole, attention_mask=torch.ones_like(whole))
            rows.append(states.last_hidden_state.mean(1))
    return pieces, torch.cat(rows).numpy()


def reduced(vectors: npt.NDArray[np.float32], width: int) -> tuple[Tensor, Tensor]:
    """(pieces, width) int8 and (width,) scale: principal components, half whitened."""
    centred = vectors.astype(np.float64) - vectors.mean(0, dtype=np.float64)
    directions = np.linalg.eigh(centred.T @ centred / len(centred)).eigenvectors
    directions = directions[:, ::-1][:, :width]
    signs = np.sign(directions[np.abs(directions).argmax(0), np.arange(width)])
    rows = centred @ (directions * signs)
    rows /= np.sqrt(rows.std(0))  # between raw components and white ones
    rows /= rows.std()
    scale = np.abs(rows).max(0) / 127
    return (
        torch.from_numpy(np.rint(rows / scale).astype(np.int8)),
        torch.from_numpy(scale.astype(np.float32)),
    )
