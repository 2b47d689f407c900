"""Every sound either comes out as it should or is refused by name."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from aacbench import audio
from aacbench.errors import BadAudio, BadOption
from aacbench.types import Audio, Clip

REAL = ("clotho_validation/*.wav", "clotho_evaluation/*.wav", "audiocaps_test/*.wav")


def tone(rate: int, seconds: float = 1.0, frequency: float = 440.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * frequency * np.arange(round(rate * seconds)) / rate)


def peak(samples: np.ndarray, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * rate / len(samples))


def written(path: Path, samples: np.ndarray, rate: int, **options: object) -> Path:
    soundfile.write(path, samples, rate, **options)
    return path


def cut(path: Path, share: float) -> Path:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    return path


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 44_100, 96_000, 192_000])
@pytest.mark.parametrize("channels", [1, 2, 6, 8])
@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_any_rate_and_channel_count_keeps_length_and_pitch(tmp_path, rate, channels, suffix):
    sound = np.repeat(tone(rate)[:, None], channels, axis=1)
    path = written(tmp_path / f"a.{suffix}", sound, rate)

    native = audio.read(path)
    assert native.rate == rate
    assert native.samples.shape == (rate,)
    assert native.samples.dtype == np.float32
    np.testing.assert_allclose(native.samples, tone(rate), atol=1e-4)

    heard = audio.waveform(Clip("a", path), 32_000)
    assert abs(len(heard) - 32_000) <= 1
    assert abs(peak(heard, 32_000) - 440) <= 2
    assert np.sqrt(np.mean(heard**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.01)


def test_channels_are_averaged_and_not_summed_or_dropped(tmp_path):
    left, right = tone(16_000), np.zeros(16_000)
    path = written(tmp_path / "a.wav", np.stack([left, right], axis=1), 16_000)
    np.testing.assert_allclose(audio.read(path).samples, left / 2, atol=1e-4)


def test_a_file_longer_than_one_block_is_read_whole(tmp_path):
    long = np.random.default_rng(0).uniform(-0.5, 0.5, (2 * (1 << 18) + 77, 2))
    path = written(tmp_path / "a.wav", long, 44_100, subtype="FLOAT")
    np.testing.assert_allclose(audio.read(path).samples, long.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize(("suffix", "rate"), [("ogg", 44_100), ("mp3", 44_100), ("aiff", 22_050)])
def test_other_formats_are_decoded(tmp_path, suffix, rate):
    heard = audio.read(written(tmp_path / f"a.{suffix}", tone(rate, 2), rate))
    assert heard.duration == pytest.approx(2.0, abs=0.05)
    assert abs(peak(heard.samples, rate) - 440) <= 2


def test_an_untagged_variable_rate_mp3_is_read_to_its_end(tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.2, 44_100 * 3)
    sound = np.concatenate([noise, tone(44_100, 6)])
    path = written(tmp_path / "a.mp3", sound, 44_100, bitrate_mode="VARIABLE")
    raw = path.read_bytes()
    path.write_bytes(raw[raw.index(raw[:2], 4) :])  # without the frame that states the length
    assert soundfile.info(path).duration < 8, "libsndfile guesses well; the pipe can go"
    heard = audio.read(path)
    assert heard.duration == pytest.approx(9.0, abs=0.1)
    assert abs(peak(heard.samples[44_100 * 5 :], 44_100) - 440) <= 2


def test_real_clips_decode_at_their_known_lengths(aacbench_shared):
    paths = [path for shape in REAL for path in (aacbench_shared / "data/audio").glob(shape)]
    assert len(paths) == 27
    for path in paths:
        sound = audio.read(path)
        assert 9 < sound.duration < 31, path.name
        assert 0.001 < np.abs(sound.samples).max() <= 1, path.name
        heard = audio.waveform(Clip(path.name, path), 32_000)
        assert abs(len(heard) / 32_000 - sound.duration) < 0.001, path.name


def test_real_ogg_clips_decode(aacbench_shared):
    folder = aacbench_shared / "data/audio/esc10"
    paths = [sorted(kind.glob("*.ogg"))[0] for kind in sorted(folder.iterdir()) if kind.is_dir()]
    assert len(paths) == 10
    for path in paths:
        assert audio.read(path).duration == pytest.approx(5.0, abs=0.05)


# --- what is refused, and how -----------------------------------------------------------------


def refused(source: object, *words: str) -> None:
    with pytest.raises(BadAudio) as caught:
        audio.read(source)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("suffix", ["wav", "aiff", "flac", "mp3"])
def test_a_cut_file_is_refused_with_what_it_holds_and_promises(tmp_path, suffix):
    path = cut(written(tmp_path / f"a.{suffix}", tone(44_100, 5), 44_100), 0.25)
    refused(path, str(path), "is cut or damaged", "5.00 s")


def test_a_wav_cut_to_a_quarter_says_how_much_is_left(tmp_path):
    path = cut(written(tmp_path / "a.wav", tone(44_100, 5), 44_100), 0.25)
    refused(path, "holds 1.25 s of the 5.00 s its header promises")


def test_a_flac_damaged_in_the_middle_is_refused(tmp_path):
    path = written(tmp_path / "a.flac", np.random.default_rng(0).uniform(-1, 1, 220_500), 44_100)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2 : len(raw) // 2 + 20_000] = bytes(20_000)
    path.write_bytes(raw)
    refused(path, str(path), "damaged")


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000])
def test_a_streamed_wav_with_open_sizes_is_read_to_its_end(tmp_path, size):
    path = written(tmp_path / "a.wav", tone(16_000, 2), 16_000)
    raw = bytearray(path.read_bytes())
    raw[4:8] = struct.pack("<I", size)
    place = raw.index(b"data") + 4
    raw[place : place + 4] = struct.pack("<I", size)
    path.write_bytes(raw)
    assert audio.read(path).duration == 2.0


def test_a_wav_that_misses_a_few_frames_is_read(tmp_path):
    path = written(tmp_path / "a.wav", tone(16_000, 2), 16_000)
    path.write_bytes(path.read_bytes()[:-200])
    assert audio.read(path).duration == pytest.approx(2 - 100 / 16_000)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_are_counted_and_placed(tmp_path, bad):
    sound = tone(8_000)
    sound[[4_000, 4_001, 7_000]] = bad
    path = written(tmp_path / "a.wav", sound, 8_000, subtype="FLOAT")
    refused(path, str(path), "3 of 8000 samples", "number 4000 (at 0.500 s)")


def test_infinities_that_cancel_between_channels_are_seen(tmp_path):
    sound = np.zeros((8_000, 2))
    sound[10] = np.inf, -np.inf
    refused(written(tmp_path / "a.wav", sound, 8_000, subtype="FLOAT"), "1 of 8000 samples")


def test_silence_is_a_sound(tmp_path):
    path = written(tmp_path / "a.wav", np.zeros(8_000), 8_000)
    heard = audio.waveform(Clip("a", path), 16_000)
    assert len(heard) == 16_000
    assert not heard.any()


@pytest.mark.parametrize("frames", [0, 1, 79])
def test_a_sound_too_short_for_a_spectrogram_is_refused(tmp_path, frames):
    path = written(tmp_path / "a.wav", np.zeros(frames), 8_000)
    refused(path, str(path), "no sound" if not frames else "at least 10 ms")


@pytest.mark.parametrize("content", [b"", b"RIFF", b"a dog barks\n" * 99, bytes(4_000)])
@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg", "raw", "mp4"])
def test_what_is_no_sound_is_refused_by_name_whatever_its_suffix(tmp_path, content, suffix):
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(content)
    refused(path, str(path), "cannot be decoded" if content else "is empty")


def test_a_missing_file_a_folder_a_pipe_and_a_loop_are_refused(tmp_path):
    refused(tmp_path / "none.wav", "none.wav", "No such file")
    refused(tmp_path, str(tmp_path), "is not a file")
    os.mkfifo(tmp_path / "pipe.wav")
    refused(tmp_path / "pipe.wav", "pipe.wav", "is not a file")
    (tmp_path / "loop.wav").symlink_to("loop.wav")
    refused(tmp_path / "loop.wav", "loop.wav")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(tmp_path):
    path = written(tmp_path / "a.wav", tone(8_000), 8_000)
    path.chmod(0)
    refused(path, str(path), "Permission denied")


def test_a_name_that_is_not_unicode_is_read(tmp_path):
    path = written(tmp_path / "a.wav", tone(8_000), 8_000).rename(
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav"))
    )
    assert audio.read(path).duration == 1.0


@given(cut_at=st.integers(0, 3_000), flips=st.lists(st.integers(0, 2_999), max_size=4))
def test_any_damage_gives_a_finite_sound_or_a_named_error(tmp_path_factory, cut_at, flips):
    path = tmp_path_factory.getbasetemp() / "damaged.wav"
    written(path, tone(8_000, 0.2), 8_000)
    raw = bytearray(path.read_bytes()[:cut_at])
    for place in flips:
        if place < len(raw):
            raw[place] ^= 0xFF
    path.write_bytes(raw)
    heard, refusal = None, ""
    try:
        heard = audio.read(path)
    except BadAudio as error:
        refusal = error.message
    if heard is None:
        assert str(path) in refusal
    else:
        assert np.isfinite(heard.samples).all()
        assert heard.duration >= audio.MIN_SECONDS


# --- sound that is in memory or made on demand ------------------------------------------------


@dataclass(frozen=True)
class Hum:
    samples: int

    def read(self) -> Audio:
        return Audio(tone(8_000)[: self.samples].astype(np.float32), 8_000)


def test_sound_made_on_demand_and_decoded_sound_are_heard_alike():
    made = audio.waveform(Clip("hum", Hum(8_000)), 16_000)
    decoded = audio.waveform(Clip("hum", Hum(8_000).read()), 16_000)
    np.testing.assert_array_equal(made, decoded)
    assert len(made) == 16_000


@pytest.mark.parametrize(
    ("sound", "word"),
    [
        (Hum(0), "no sound"),
        (Audio(np.zeros((8_000, 2), np.float32), 8_000), "one channel"),
        (Audio(np.zeros(8_000, np.int16), 8_000), "int16"),
        (Audio(np.zeros(8_000, np.float32), 0), "0 Hz"),
        (Audio(np.full(8_000, np.nan, np.float32), 8_000), "8000 of 8000"),
    ],
)
def test_sound_that_is_not_a_file_is_refused_by_its_clip(sound, word):
    with pytest.raises(BadAudio, match="clip 'hum'") as caught:
        audio.waveform(Clip("hum", sound), 16_000)
    assert word in caught.value.message


def test_resampling_keeps_out_what_the_lower_rate_cannot_hold():
    high = Audio(tone(44_100, frequency=12_000).astype(np.float32), 44_100)
    assert np.abs(audio.resample(high, 16_000).samples[800:-800]).max() < 1e-3
    assert audio.resample(high, 44_100) is high
    with pytest.raises(BadOption, match="0 Hz"):
        audio.resample(high, 0)


def test_the_resampler_named_in_run_keys_is_the_one_in_use():
    import soxr

    sound = audio.read(Audio(np.random.default_rng(0).normal(size=9_000).astype("f4"), 9_000))
    kind, quality = audio.RESAMPLER.split(":")
    expected = soxr.resample(sound.samples, 9_000, 32_000, quality=quality)
    assert kind == "soxr"
    np.testing.assert_array_equal(audio.resample(sound, 32_000).samples, expected)


def test_duration_is_told_without_decoding(tmp_path):
    path = written(tmp_path / "a.wav", tone(8_000, 3), 8_000)
    (tmp_path / "b.wav").write_text("text")
    assert audio.duration(Clip("a", path)) == 3.0
    assert audio.duration(Clip("a", path, duration=2.5)) == 2.5
    assert audio.duration(Clip("a", Hum(9).read())) == 9 / 8_000
    assert audio.duration(Clip("a", Hum(9))) is None
    assert audio.duration(Clip("a", tmp_path / "b.wav")) is None
    assert audio.duration(Clip("a", tmp_path / "none.wav")) is None


# --- batches ----------------------------------------------------------------------------------

lengths = st.lists(st.one_of(st.none(), st.floats(0, 100), st.just(float("nan"))), max_size=40)


@given(lengths, st.integers(1, 9))
def test_batches_hold_every_clip_once_and_like_lengths_together(seconds, size):
    batches = audio.buckets(seconds, size)
    order = [index for batch in batches for index in batch]
    assert sorted(order) == list(range(len(seconds)))
    assert all(len(batch) == size for batch in batches[:-1])
    known = [seconds[i] for i in order if seconds[i] is not None and seconds[i] == seconds[i]]
    assert known == sorted(known, reverse=True)


def test_batches_of_equal_lengths_keep_the_clips_order():
    assert audio.buckets([1.0, None, 2.0, 1.0, None], 2) == [[2, 0], [3, 1], [4]]
    assert audio.buckets([], 4) == []
    with pytest.raises(BadOption, match="0 clips"):
        audio.buckets([1.0], 0)


@pytest.fixture(autouse=True)
def no_thread_outlives_its_sound() -> Iterator[None]:
    import threading

    before = threading.active_count()
    yield
    assert threading.active_count() == before
