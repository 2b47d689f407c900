"""`hf`: models of transformers as captioners, on random weights of the public models' classes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from wishes import Wish, guided

from aacbench import testing
from aacbench.audio import waveform
from aacbench.builtin.captioners.hf import families
from aacbench.builtin.captioners.hf.families import Family
from aacbench.builtin.captioners.hf.generating import Generated
from aacbench.builtin.captioners.hf.stepping import Encoded, Merged, start_tokens
from aacbench.errors import BadOption
from aacbench.types import Audio, Clip, GuidableCaptioner

CHATS = ("qwen2_audio", "audioflamingo3", "musicflamingo")
KINDS = (*CHATS, "whisper")


def by_transformers(captioner, clip: Clip, tokens: int) -> tuple[int, ...]:
    """What transformers' own greedy `generate` says of a clip, without its end."""
    loaded = captioner.question.loaded
    more = {"do_sample": False, "num_beams": 1, "min_new_tokens": 1}
    if isinstance(captioner, Encoded):
        features = loaded.processor(
            waveform(clip, 16_000), sampling_rate=16_000, return_tensors="pt"
        ).input_features
        made = loaded.model.generate(
            features, language="en", task="transcribe", max_new_tokens=tokens, **more
        )[0]
        # Where a sound goes on after what was transcribed, it writes a next part; here, anything.
        said = made.tolist()[:tokens]
        return tuple(
            said[: said.index(captioner.tokenizer.end)] if captioner.tokenizer.end in said else said
        )
    inputs = loaded.processor(
        text=[captioner.question.text],
        audio=[waveform(clip, 16_000)],
        sampling_rate=16_000,
        return_tensors="pt",
    )
    made = loaded.model.generate(**inputs, max_new_tokens=tokens, **more)[0]
    said = made[inputs["input_ids"].shape[1] :].tolist()
    return tuple(token for token in said if token not in captioner.words.ends)


@pytest.mark.parametrize("kind", KINDS)
def test_greedy_captions_are_those_of_transformers_generate(kind, build, clips):
    captioner = build(kind)
    assert isinstance(captioner, Encoded if kind == "whisper" else Merged)
    found = [caption.tokens for caption in captioner.caption(clips)]
    assert found == [by_transformers(captioner, clip, 10) for clip in clips]
    assert len(set(found)) > 1  # it does hear the clips


@pytest.mark.parametrize("kind", KINDS)
def test_no_caption_depends_on_the_company_and_guides_can_step(kind, build):
    # Silence, 20 ms and lengths that differ within the batch are among the sample clips.
    testing.check_captioner(build(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_beams_keep_several_captions_and_their_scores_do_not_depend_on_the_batch(
    kind, build, clips
):
    captioner = build(kind, beams=3, keep=2)
    together = captioner.caption(clips)
    for clip, caption in zip(clips, together, strict=True):
        (alone,) = captioner.caption([clip])
        assert alone.tokens == caption.tokens
        assert alone.score == pytest.approx(caption.score, abs=1e-4)
        (second,) = caption.alternatives
        assert second.score <= caption.score
        assert second.tokens != caption.tokens


@pytest.mark.parametrize("kind", KINDS)
def test_a_guide_moves_the_words_of_every_clip_the_same_alone_and_together(kind, build, clips):
    captioner = build(kind)
    wanted = captioner.tokenizer.encode(" water")[0]
    wish, settings = Wish(wanted), replace(captioner.decoding, max_tokens=5)
    steered = guided(captioner, clips, wish, settings=settings)
    alone = [guided(captioner, [clip], Wish(wanted), settings=settings)[0] for clip in clips]
    assert [one.tokens for one in steered] == [one.tokens for one in alone]
    gained = [
        (seen.log_probabilities - seen.unperturbed)[:, wanted]
        for seen in wish.seen
        if seen.step == wish.steering.steps - 1
    ]
    assert () in {prefix for seen in wish.seen for prefix in seen.prefixes}  # the first word too
    assert (torch.cat(gained) > 0).float().mean() > 0.9


def test_a_registered_guide_joins_by_its_expression(build, clips):
    captioner = build("audioflamingo3", "+guide(candidates=4, steps=1)", max_tokens=4)
    assert captioner.caption(clips[:1])[0].steered


def test_the_likelier_of_two_ends_ends_a_caption(build):
    words = build("qwen2_audio").words
    first, second = words.ends
    logits = torch.zeros(1, words.size)
    logits[0, second] = 5.0
    allowed = words.allowed(logits, first=False)
    assert int(allowed.argmax()) == words.end == first
    assert allowed[0, second] < -1000


def test_whisper_never_says_what_its_settings_bar(build, clips):
    captioner = build("whisper")
    step = captioner.step(captioner.open(clips), None, None)
    assert (step.scores[:, [10, 11, 12, 20]] < -1000).all()
    later = captioner.step(captioner.open(clips), step.scores.argmax(-1)[:, None], step.cache)
    assert (later.scores[:, 20] > -1000).all()


def test_the_prompt_stands_in_the_chat_template_and_a_whole_one_as_it_is(build, clips):
    asked = build("qwen2_audio", prompt="'What is it?'", system="'Be brief.'").question.text
    assert asked.index("Be brief.") < asked.index("<|AUDIO|>") < asked.index("What is it?")
    assert asked.endswith("<|im_start|>assistant\n")
    whole = build("qwen2_audio", prompt="'{audio}Generate the caption in English:'")
    text = "<|audio_bos|><|AUDIO|><|audio_eos|>Generate the caption in English:"
    assert whole.question.text == text
    assert whole.caption(clips[:1])[0].tokens != build("qwen2_audio").caption(clips[:1])[0].tokens


def test_a_captioner_of_whispers_kind_starts_with_the_style_it_was_tuned_with(
    build, captions, tmp_path
):
    import tiny_listeners

    from aacbench.workshop import Workshop

    folder = tiny_listeners.make_whisper(tmp_path, captions, "WhisperForAudioCaptioning")
    captioner = Workshop().build("captioners", f"hf:{folder}")
    style = captioner.tokenizer.encode("clotho > caption: ")
    assert captioner.start[-len(style) :] == style
    assert not set(style) & set(build("whisper").start)


def test_a_longer_sound_is_cut_by_whispers_ears_and_heard_in_windows_by_flamingos(build, clips):
    sound = np.tile(waveform(clips[0], 16_000), 3)
    short = Clip("short", Audio(sound[:160_000], 16_000))
    long = Clip("long", Audio(sound[:320_000], 16_000))
    for kind, grows in (("whisper", False), ("qwen2_audio", False), ("audioflamingo3", True)):
        captioner = build(kind)
        shapes = [captioner.open([one])[0].shape[-2] for one in (short, long)]
        assert (shapes[1] > shapes[0]) is grows, kind


def test_words_are_drawn_by_the_seed_and_the_clip_alone(build, clips):
    drawn = build("qwen2_audio", temperature=1.0)
    together = [caption.tokens for caption in drawn.caption(clips)]
    assert together == [drawn.caption([clip])[0].tokens for clip in clips]
    assert together != [caption.tokens for caption in build("qwen2_audio").caption(clips)]
    cold = build("qwen2_audio", temperature=1.0, top_p=0.0001)
    greedy = [caption.tokens for caption in build("qwen2_audio").caption(clips)]
    assert [caption.tokens for caption in cold.caption(clips)] == greedy
    with pytest.raises(BadOption, match="cannot be guided"):
        build("qwen2_audio", "+guide", temperature=1.0)
    with pytest.raises(BadOption, match="beams"):
        build("qwen2_audio", temperature=1.0, beams=2)


def test_a_kind_that_is_not_in_the_table_is_stepped_where_that_agrees_with_the_whole(
    build, clips, monkeypatch
):
    known = build("qwen2_audio").caption(clips)
    monkeypatch.setattr(families, "families", dict)
    found = build("qwen2_audio", prompt=f"'{Family().prompt}'")
    assert isinstance(found, GuidableCaptioner)
    assert [one.tokens for one in found.caption(clips)] == [one.tokens for one in known]


def test_a_kind_that_cannot_be_stepped_is_left_to_transformers_and_takes_no_guide(
    build, clips, monkeypatch
):
    known = [one.text for one in build("audioflamingo3").caption(clips)]
    monkeypatch.setattr(families, "families", dict)
    monkeypatch.setattr("aacbench.builtin.captioners.hf.stepping.language_model", lambda _: None)
    # The sound's place in the prompt is the table's knowledge.
    asked = f"'<|im_start|>user\n{Family().prompt}{{audio}}<|im_end|>\n<|im_start|>assistant\n'"
    found = build("audioflamingo3", prompt=asked)
    assert isinstance(found, Generated)
    assert [one.text for one in found.caption(clips)] == known
    several = build("audioflamingo3", prompt=asked, beams=2, keep=2).caption(clips[:1])
    assert len(several[0].alternatives) == 1
    drawn = build("audioflamingo3", prompt=asked, temperature=1.0)
    assert drawn.caption(clips)[1] == drawn.caption(clips[1:2])[0]
    with pytest.raises(BadOption, match=r"'hf' cannot be guided by 'guide'"):
        build("audioflamingo3", "+guide", prompt=asked)


def test_an_encoder_decoder_that_the_table_does_not_know_captions_by_generate(build):
    captioner = build("moonshine")
    assert isinstance(captioner, Generated)
    testing.check_captioner(captioner)
    assert captioner.caption(testing.sample_clips())[0].text
    with pytest.raises(BadOption, match="no prompt"):
        build("moonshine", prompt="Listen")


def test_a_whisper_of_english_alone_is_not_told_the_language(build):
    loaded = build("whisper").question.loaded
    assert len(start_tokens(loaded)) == 4
    loaded.model.generation_config.is_multilingual = False
    number = loaded.tokenizer.convert_tokens_to_ids
    assert start_tokens(loaded) == [number("<|startoftranscript|>"), number("<|notimestamps|>")]


@pytest.mark.parametrize("kind", KINDS)
def test_half_precision_is_asked_of_the_whole_model(kind, build, clips):
    captioner = build(kind, precision="bfloat16")
    assert {tensor.dtype for tensor in captioner.model.parameters()} == {torch.bfloat16}
    assert captioner.caption(clips)[0].text
