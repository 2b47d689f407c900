"""Folders of audio-language and captioning models as the hub lays them out, with random weights.

Classes, processors and file names are those of the public models; words are learnt from captions.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import (
    AudioFlamingo3Config,
    AudioFlamingo3ForConditionalGeneration,
    AudioFlamingo3Processor,
    MoonshineConfig,
    MoonshineForConditionalGeneration,
    MusicFlamingoConfig,
    MusicFlamingoForConditionalGeneration,
    MusicFlamingoProcessor,
    PreTrainedTokenizerFast,
    Qwen2AudioConfig,
    Qwen2AudioForConditionalGeneration,
    Qwen2AudioProcessor,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2Processor,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperProcessor,
    WhisperTokenizer,
)

SECONDS = 10  # what the ears take in at once; public models have 30
MELS = 16
FRAMES = SECONDS * 50
CHAT = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
WHISPER = (
    "<|endoftext|>",
    "<|startoftranscript|>",
    "<|en|>",
    "<|transcribe|>",
    "<|notimestamps|>",
)
FLAMINGO_TEMPLATE = (
    "{% for turn in messages %}<|im_start|>{{ turn['role'] }}\n"
    "{% if turn['content'] is string %}{{ turn['content'] }}{% else %}"
    "{% for part in turn['content'] %}{% if part['type'] == 'audio' %}<sound>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def ears() -> WhisperFeatureExtractor:
    return WhisperFeatureExtractor(feature_size=MELS, chunk_length=SECONDS)


def words(captions: Sequence[str], special: Sequence[str], **more: Any) -> PreTrainedTokenizerFast:
    learnt = ByteLevelBPETokenizer()
    learnt.train_from_iterator(captions, 400, special_tokens=list(special), show_progress=False)
    return PreTrainedTokenizerFast(
        tokenizer_object=learnt._tokenizer, pad_token="<|endoftext|>", **more
    )


def language(size: int) -> dict[str, Any]:
    return {
        "model_type": "qwen2",
        "vocab_size": size,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 1024,
        "initializer_range": 0.3,
    }


def hearing(kind: str) -> dict[str, Any]:
    return {
        "model_type": kind,
        "num_mel_bins": MELS,
        "d_model": 32,
        "hidden_size": 32,
        "encoder_layers": 2,
        "num_hidden_layers": 2,
        "encoder_attention_heads": 4,
        "num_attention_heads": 4,
        "encoder_ffn_dim": 64,
        "intermediate_size": 64,
        "max_source_positions": FRAMES,
        "init_std": 0.3,
        "initializer_range": 0.3,
    }


def make_qwen2_audio(folder: Path, captions: Sequence[str]) -> Path:
    """Qwen2-Audio: two tokens may end a text, and the chat template is the processor's own."""
    special = (*CHAT, "<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>")
    spelt = words(captions, special, eos_token="<|im_end|>")
    Qwen2AudioProcessor(ears(), spelt).save_pretrained(folder)
    torch.manual_seed(0)
    config = Qwen2AudioConfig(
        audio_config=hearing("qwen2_audio_encoder"),
        text_config=language(len(spelt)),
        audio_token_index=spelt.convert_tokens_to_ids("<|AUDIO|>"),
    )
    model = Qwen2AudioForConditionalGeneration(config)
    model.generation_config.eos_token_id = spelt.convert_tokens_to_ids(
        ["<|endoftext|>", "<|im_end|>"]
    )
    model.generation_config.pad_token_id = spelt.pad_token_id
    return _written(model, folder)


def make_audio_flamingo(folder: Path, captions: Sequence[str]) -> Path:
    """Audio Flamingo 3: longer sounds are heard in several windows."""
    spelt = words(captions, (*CHAT, "<sound>"), eos_token="<|im_end|>")
    AudioFlamingo3Processor(ears(), spelt, FLAMINGO_TEMPLATE).save_pretrained(folder)
    torch.manual_seed(1)
    config = AudioFlamingo3Config(
        audio_config=hearing("audioflamingo3_encoder"),
        text_config=language(len(spelt)),
        audio_token_id=spelt.convert_tokens_to_ids("<sound>"),
    )
    model = AudioFlamingo3ForConditionalGeneration(config)
    model.generation_config.eos_token_id = spelt.eos_token_id
    model.generation_config.pad_token_id = spelt.pad_token_id
    return _written(model, folder)


def make_music_flamingo(folder: Path, captions: Sequence[str]) -> Path:
    """Music Flamingo: as Audio Flamingo, with signs around the sound."""
    special = (*CHAT, "<sound>", "<|sound_bos|>", "<|sound_eos|>")
    spelt = words(captions, special, eos_token="<|im_end|>")
    MusicFlamingoProcessor(ears(), spelt, FLAMINGO_TEMPLATE).save_pretrained(folder)
    number = spelt.convert_tokens_to_ids
    torch.manual_seed(3)
    config = MusicFlamingoConfig(
        audio_config=hearing("audioflamingo3_encoder"),
        text_config=language(len(spelt)),
        audio_token_id=number("<sound>"),
        audio_bos_token_id=number("<|sound_bos|>"),
        audio_eos_token_id=number("<|sound_eos|>"),
    )
    model = MusicFlamingoForConditionalGeneration(config)
    model.generation_config.eos_token_id = spelt.eos_token_id
    model.generation_config.pad_token_id = spelt.pad_token_id
    return _written(model, folder)


def make_whisper(folder: Path, captions: Sequence[str], architecture: str | None = None) -> Path:
    """A captioner of Whisper's kind; some tokens it never says, some not first."""
    learnt = ByteLevelBPETokenizer()
    learnt.train_from_iterator(captions, 400, special_tokens=list(WHISPER), show_progress=False)
    learnt.save_model(str(folder))
    spelt = WhisperTokenizer.from_pretrained(folder, additional_special_tokens=list(WHISPER[1:]))
    WhisperProcessor(ears(), spelt).save_pretrained(folder)
    number = spelt.convert_tokens_to_ids
    torch.manual_seed(2)
    config = WhisperConfig(
        vocab_size=len(spelt),
        num_mel_bins=MELS,
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_source_positions=FRAMES,
        max_target_positions=96,
        init_std=0.3,
        decoder_start_token_id=number("<|startoftranscript|>"),
        eos_token_id=number("<|endoftext|>"),
        bos_token_id=number("<|endoftext|>"),
        pad_token_id=number("<|endoftext|>"),
    )
    model = WhisperForConditionalGeneration(config)
    settings = model.generation_config
    settings.decoder_start_token_id = config.decoder_start_token_id
    settings.suppress_tokens = [10, 11, 12]
    settings.begin_suppress_tokens = [20, settings.eos_token_id]
    _written(model, folder, architecture)
    path = folder / "generation_config.json"
    own = {
        "is_multilingual": True,
        "lang_to_id": {"<|en|>": number("<|en|>")},
        "task_to_id": {"transcribe": number("<|transcribe|>")},
        "no_timestamps_token_id": number("<|notimestamps|>"),
    }
    settled = json.loads(path.read_text()) | own
    settled.pop("_from_model_config", None)
    path.write_text(json.dumps(settled))
    return folder


def make_moonshine(folder: Path, captions: Sequence[str]) -> Path:
    """Moonshine: an encoder-decoder that the table does not know, with ears for raw samples."""
    spelt = words(captions, CHAT, eos_token="<|im_end|>", bos_token="<|im_start|>")
    samples = Wav2Vec2FeatureExtractor(return_attention_mask=True)
    Wav2Vec2Processor(samples, spelt).save_pretrained(folder)
    torch.manual_seed(4)
    config = MoonshineConfig(
        vocab_size=len(spelt),
        hidden_size=32,
        intermediate_size=64,
        encoder_num_hidden_layers=1,
        decoder_num_hidden_layers=1,
        encoder_num_attention_heads=2,
        decoder_num_attention_heads=2,
        initializer_range=0.3,
        decoder_start_token_id=spelt.bos_token_id,
        bos_token_id=spelt.bos_token_id,
        eos_token_id=spelt.eos_token_id,
        pad_token_id=spelt.pad_token_id,
    )
    return _written(MoonshineForConditionalGeneration(config), folder)


def _written(model: Any, folder: Path, architecture: str | None = None) -> Path:
    model.save_pretrained(folder)
    if architecture is not None:
        path = folder / "config.json"
        path.write_text(path.read_text().replace(type(model).__name__, architecture))
    return folder
