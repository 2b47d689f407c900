"""Two lists of sentences from a language model, as Shaulov et al. get theirs (section III-A).

The model is asked for a few sentences at a time, of one kind and then of the other, until there are
enough. Each reply is kept as it comes; killed and started again, the work goes on with the next.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from aacbench.builtin.classifiers.options import DEFAULT_PROMPT, ClassifierTrainOptions
from aacbench.builtin.classifiers.sentences import words_of
from aacbench.errors import BadData, MissingAsset

if TYPE_CHECKING:
    from aacbench.specs import Context

PROMPT = (
    "Write {count} different short sentences, one on each line and without numbers. Each could be "
    "said of a scene that somebody has recorded, and each is about {kind}. Use plain and correct "
    "English, vary the subjects, the verbs and the length, and let every sentence make sense alone."
)
ASKED = 25  # sentences a reply
REPLY = 512  # tokens at most
IDLE = 20  # replies in a row that bring nothing new, and then it is enough
WORDS = (2, 40)  # of a sentence
NAMES = ("positives", "negatives")
_MARK = re.compile(r"^\s*(?:[-*•–]|\(?\d+[.):]|[a-z][.)])\s+", re.IGNORECASE)  # noqa: RUF001

Ask = Callable[[str, int], str]


def sentences_in(reply: str) -> list[str]:
    """The sentences of a reply: one a line, without bullets, numbers, quotes and headings."""
    found = []
    for line in reply.splitlines():
        text = _MARK.sub("", line).strip().strip("\"'“”*_ ")
        if WORDS[0] <= len(words_of(text)) <= WORDS[1] and not text.endswith(":"):
            found.append(" ".join(text.split()))
    return found


def asked(prompt: str, kind: str, count: int) -> str:
    """The prompt with its places filled; one that leaves the kind open has it said at its end."""
    if prompt == DEFAULT_PROMPT:
        prompt = PROMPT
    if "{kind}" not in prompt:
        prompt += "\n\nWrite one sentence a line, about {kind}."
    return prompt.replace("{kind}", kind).replace("{count}", str(count))


def write_sentences(
    options: ClassifierTrainOptions, context: Context, out: Path
) -> tuple[Path, Path]:
    """Write ``generated/positives.txt`` and ``negatives.txt`` below `out`, `options.count`
    sentences each; what an earlier call has written is used again."""
    folder = out / "generated"
    folder.mkdir(parents=True, exist_ok=True)
    _same_settings(options, folder)
    ask: Ask | None = None
    kinds = (options.positive_kind, options.negative_kind)
    files = []
    for number, (name, kind) in enumerate(zip(NAMES, kinds, strict=True)):
        path = folder / f"{name}.txt"
        if not path.is_file():
            ask = ask or language_model(options, context.device)
            prompt = asked(options.generate or DEFAULT_PROMPT, kind, min(ASKED, options.count))
            seed = 2 * options.seed + number
            lines = _gather(ask, prompt, folder / f"{name}.jsonl", options.count, seed)
            partial = path.with_suffix(".partial")
            partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
            partial.replace(path)
        files.append(path)
    return files[0], files[1]


def _same_settings(options: ClassifierTrainOptions, folder: Path) -> None:
    keys = {
        "generate", "language_model", "count", "temperature", "seed", "positive_kind",
        "negative_kind",
    }  # fmt: skip
    now = json.dumps(options.model_dump(mode="json", include=keys), indent=1, sort_keys=True)
    path = folder / "settings.json"
    if path.is_file() and path.read_text(encoding="utf-8") != now:
        raise BadData(
            f"{folder} holds sentences that were generated otherwise (see {path}).",
            f"Give the same options to go on, another --out, or: rm -r '{folder}'",
        )
    path.write_text(now, encoding="utf-8")


def _gather(ask: Ask, prompt: str, kept: Path, count: int, seed: int) -> list[str]:
    """`count` distinct sentences; every reply is a line of `kept`."""
    replies = _replies(kept)
    found: dict[str, str] = {}
    idle = number = 0
    while len(found) < count:
        if number == len(replies):
            replies.append(ask(prompt, 100_003 * seed + number))
            with kept.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"reply": replies[number]}) + "\n")
        before = len(found)
        for text in sentences_in(replies[number]):
            found.setdefault(" ".join(words_of(text)), text)
        idle = 0 if len(found) > before else idle + 1
        number += 1
        if idle == IDLE:
            break
    if not found:
        raise BadData(
            f"The language model wrote no sentence in {IDLE} replies (see {kept}).",
            "Try another model or prompt; one a line is what is asked of it.",
        )
    return list(found.values())[:count]


def _replies(kept: Path) -> list[str]:
    """The replies of an earlier run; a last line that was cut off is taken away."""
    if not kept.is_file():
        return []
    lines = kept.read_bytes().splitlines(keepends=True)
    if lines and not lines[-1].endswith(b"\n"):
        lines.pop()
        kept.write_bytes(b"".join(lines))
    return [json.loads(line)["reply"] for line in lines]


def language_model(options: ClassifierTrainOptions, device: str) -> Ask:
    """`ask(prompt, seed)`: the model's reply to a prompt, sampled; the same for the same seed."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    named = str(options.language_model)
    folder = str(Path(named).expanduser())
    name = folder if Path(folder).is_dir() else named
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(name)
        model: Any = AutoModelForCausalLM.from_pretrained(name).eval().to(device)
    except (OSError, ValueError) as error:
        raise MissingAsset(
            f"{named} is no language model: {str(error).splitlines()[0]}",
            "--language-model names a folder in the hub's layout, or a model on the hub.",
        ) from error
    end = tokenizer.eos_token_id if tokenizer.eos_token_id is not None else 0
    room = getattr(model.config, "max_position_embeddings", None) or 4 * REPLY

    def ask(prompt: str, seed: int) -> str:
        numbers = _encoded(tokenizer, prompt)[:, -max(1, room // 2) :].to(device)
        torch.manual_seed(seed)
        with torch.inference_mode():
            written = model.generate(
                input_ids=numbers,
                attention_mask=torch.ones_like(numbers),
                do_sample=True,
                temperature=options.temperature,
                top_p=0.95,
                max_new_tokens=min(REPLY, room - numbers.shape[1]),
                pad_token_id=end,
            )
        reply: str = tokenizer.decode(written[0, numbers.shape[1] :], skip_special_tokens=True)
        return reply

    return ask


def _encoded(tokenizer: Any, prompt: str) -> Any:
    """(1, tokens): as a chat where the model knows chats, else followed by a new line."""
    if getattr(tokenizer, "chat_template", None):
        prompt = tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}], add_generation_prompt=True, tokenize=False
        )
        return tokenizer(prompt, return_tensors="pt", add_special_tokens=False)["input_ids"]
    return tokenizer(prompt + "\n", return_tensors="pt")["input_ids"]
