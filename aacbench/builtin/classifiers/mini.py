"""`audibility:mini`: small and fast, for scoring some hundred unfinished captions a token.

Two readers share one table of word vectors. The first learnt from whole sentences and from their
beginnings, the second from sentences that something foreign was put into; their log odds are added
with weights chosen on sentences that neither learnt from. The vectors of word pieces are fixed
beforehand and never trained, so that words which no sentence taught lie where their neighbours in
meaning lie; runs of letters, which are trained, add what spelling tells, of half-written words too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from aacbench.builtin.classifiers.beginnings import Alike, alike, read_alike
from aacbench.builtin.classifiers.calibration import Blend, two_columns
from aacbench.builtin.classifiers.evidence import Evidence, Shape, bags, in_rows
from aacbench.builtin.classifiers.pieces import Pieces, runs, spoken_words

if TYPE_CHECKING:
    import numpy.typing as npt

ARCHITECTURE = "mini"
READERS = 2
CHUNK = 128  # texts scored at once: few enough to stay in a core's cache
REMEMBERED = 60_000  # words, then the table starts afresh


class MiniNetwork(nn.Module):
    """Texts to (texts, READERS) log odds; `vectors` (pieces, width) do not learn."""

    def __init__(self, shape: Shape, pieces: Pieces, vectors: Tensor) -> None:
        super().__init__()
        self.shape = shape
        self.pieces = pieces
        self.register_buffer("vectors", vectors, persistent=False)
        self.runs = nn.Parameter(torch.randn(shape.buckets, shape.run_width) * 0.2)
        self.readers = nn.ModuleList(Evidence(shape) for _ in range(READERS))

    def evidence(self) -> list[Evidence]:
        """The readers, first to last."""
        return [one for one in self.readers if isinstance(one, Evidence)]

    def word_vectors(self, words: Sequence[str]) -> Tensor:
        """(words, width + run_width): the mean of a word's pieces, and of its runs of letters."""
        split = [list(self.pieces.split(word)) for word in words]
        written = [runs(word, self.shape.buckets) for word in words]
        device = self.runs.device
        table = self.get_buffer("vectors")
        return torch.cat([_mean(split, table, device), _mean(written, self.runs, device)], 1)

    def read(self, reader: int, texts: Sequence[str]) -> Tensor:
        """(texts,) one reader's log odds, with all that learning needs."""
        listed = [spoken_words(text) for text in texts]
        words = list(dict.fromkeys(word for one in listed for word in one)) or [","]
        places = {word: place for place, word in enumerate(words, start=1)}
        numbers, real = in_rows([[places[word] for word in one] for one in listed])
        evidence = self.evidence()[reader]
        products = evidence.project(self.word_vectors(words))
        products = nn.functional.pad(products, (0, 0, 1, 0))  # row 0: no word
        device = products.device
        found: Tensor = evidence(products[numbers.to(device)], real.to(device))
        return found


def _mean(lists: Sequence[Sequence[int]], table: Tensor, device: torch.device) -> Tensor:
    numbers, starts = bags(lists)
    return nn.functional.embedding_bag(numbers.to(device), table, starts.to(device), mode="mean")


class MiniClassifier:
    """`Classifier` over `MiniNetwork`; column 0 is the positive label.

    Each word is read once: its products with the first layers are kept. A text's row is the same
    in any company but for the last bits of float32.
    """

    def __init__(
        self, network: MiniNetwork, labels: tuple[str, str], blend: Blend, device: str = "cpu"
    ) -> None:
        self.labels = labels
        self.held_out: dict[str, Any] | None = None
        self._network = network.eval().requires_grad_(False).to(device)
        self._blend = blend
        self._device = device
        self._forget()

    def _forget(self) -> None:
        self._places: dict[str, int] = {}
        width = 3 * self._network.shape.hidden * READERS
        self._products = torch.zeros(1024, width, device=self._device)  # row 0: no word

    def _learn(self, words: Sequence[str]) -> None:
        """Keep the products of new words; the table doubles when it is full."""
        first = len(self._places) + 1
        vectors = self._network.word_vectors(words)
        products = torch.cat([one.project(vectors) for one in self._network.evidence()], 1)
        while first + len(words) > len(self._products):
            self._products = torch.cat([self._products, torch.zeros_like(self._products)])
        self._products[first : first + len(words)] = products
        self._places.update((word, first + place) for place, word in enumerate(words))

    @torch.inference_mode()
    def logits(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """(texts, READERS) log odds of the positive label, before they are blended."""
        found = np.zeros((len(texts), READERS))
        together = alike(texts)
        if together.places:
            found[together.places] = self._together(together)
        alone = set(range(len(texts))).difference(together.places)
        listed = {place: spoken_words(texts[place]) for place in alone}
        order = sorted(alone, key=lambda place: (len(listed[place]), place))
        for start in range(0, len(order), CHUNK):
            chosen = order[start : start + CHUNK]
            found[chosen] = self._chunk([listed[place] for place in chosen])
        return found

    def _together(self, texts: Alike) -> npt.NDArray[np.float64]:
        """(texts, READERS) log odds of texts that begin alike."""
        known = self._known([texts.last, *texts.beginnings])
        last = torch.tensor([known[word] for word in texts.last], device=self._device)
        of = torch.tensor(texts.of, device=self._device)
        begun = [[known[word] for word in words] for words in texts.beginnings]
        each = self._products.tensor_split(READERS, 1)
        evidence = self._network.evidence()
        read = [read_alike(e, p, begun, of, last) for e, p in zip(evidence, each, strict=True)]
        found: npt.NDArray[np.float64] = torch.stack(read, 1).cpu().double().numpy()
        return found

    def _known(self, listed: Sequence[Sequence[str]]) -> dict[str, int]:
        """Where the products of all these words lie."""
        if len(self._places) > REMEMBERED:
            self._forget()
        known = self._places
        new = dict.fromkeys(word for one in listed for word in one if word not in known)
        if new:
            self._learn(list(new))
        return self._places

    def _chunk(self, listed: Sequence[Sequence[str]]) -> npt.NDArray[np.float64]:
        known = self._known(listed)
        numbers, real = in_rows([[known[word] for word in one] for one in listed])
        products = self._products[numbers.to(self._device)]
        real = real.to(self._device)
        each = products.tensor_split(READERS, 2)
        read = [one(part, real) for one, part in zip(self._network.evidence(), each, strict=True)]
        return torch.stack(read, 1).cpu().double().numpy()

    def probabilities(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """(texts, 2), rows sum to 1. Text without a letter gets what the biases say."""
        return two_columns(self._blend(self.logits(texts)))


def stored(network: MiniNetwork, table: Tensor, scale: Tensor) -> dict[str, Tensor]:
    """The tensors of a weights file: the fixed vectors in eight bits, the vocabulary as text."""
    text = np.frombuffer("\n".join(network.pieces.vocabulary).encode(), np.uint8).copy()
    return {
        **{f"network.{name}": value for name, value in network.state_dict().items()},
        "vectors": table,
        "scale": scale,
        "vocabulary": torch.from_numpy(text),
    }


def restored(
    tensors: dict[str, Tensor], config: dict[str, Any], device: str = "cpu"
) -> MiniClassifier:
    """The classifier that `stored` and `config_of` describe."""
    pieces = Pieces(tensors["vocabulary"].numpy().tobytes().decode().split("\n"))
    vectors = tensors["vectors"].float() * tensors["scale"].float()
    network = MiniNetwork(Shape(**config["shape"]), pieces, vectors)
    mark = "network."
    network.load_state_dict(
        {name.removeprefix(mark): t for name, t in tensors.items() if name.startswith(mark)}
    )
    first, second = config["labels"]
    return MiniClassifier(network, (first, second), Blend.of(config["blend"]), device)


def config_of(shape: Shape) -> dict[str, Any]:
    """What the header must hold for the network to be built again."""
    return {"architecture": ARCHITECTURE, "shape": asdict(shape)}
