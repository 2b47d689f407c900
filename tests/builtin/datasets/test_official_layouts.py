"""Data sets whose official files are not at hand: small ones, made up in the official layout."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from layouts import opened, spec_of, write

from aacbench import audio
from aacbench.config import RunSettings, plan
from aacbench.errors import BadAudio, BadData, BadOption, MissingAsset
from aacbench.provenance import identity
from aacbench.running import decode
from aacbench.testing import check_dataset

HARD = 'A man says "hello, you", then "café", 雨; it rains'
QUOTED = HARD.replace('"', '""')
PIXEL = Path(__file__)  # a file that is there: nothing here opens a picture

SOUND = Path("a sound")  # stands for a real one
LAYOUTS: Mapping[str, Mapping[str, str | Path]] = {
    "auto-acd": {
        "train.csv": f'youtube_id,caption\nYtbSV8wzxAA,"{QUOTED}"\nqmSWcYaWwmE,Wind.\n',
        "test.csv": "youtube_id,caption\n-pmSWcYaWwm_000030,Hail.\n",
        "audio/YqmSWcYaWwmE.wav": SOUND,
        "test/-pmSWcYaWwm_000030.wav": SOUND,
    },
    "yt8m-mtc": {
        "train.csv": f'video_id,start,end,text\n_b2kd8nDJoU,110,120,"{QUOTED}"\n',
        "test.csv": "video_id,start,end,text\nABCDEFGHIJK,95.5,105.5,Drums.\n",
        "audio/_b2kd8nDJoU.wav": SOUND,
        "test/ABCDEFGHIJK_95.wav": SOUND,
    },
    "vggcaps": {
        "train.csv": f'youtube_id,start_time,caption\n---g-f_I2yQ,1,"{QUOTED}"\n',
        "test.csv": "youtube_id,start_time,caption\n--0PQM4-hqg,30,A stream.\n",
        "audio/---g-f_I2yQ_000001.wav": SOUND,
        "frames/---g-f_I2yQ_000001.jpg": PIXEL,
        "test/--0PQM4-hqg_30.wav": SOUND,
    },
    "vggsound": {
        "vggsound.csv": "---g-f_I2yQ,1,people marching,test\n"
        '--0PQM4-hqg,30,"heart sounds, heartbeat",train\n',
        "test/---g-f_I2yQ_000001.wav": SOUND,
        "frames/---g-f_I2yQ_000001.jpg": PIXEL,
        "audio/--0PQM4-hqg_000030.wav": SOUND,
    },
    "macs": {
        "MACS.yaml": "files:\n- filename: airport-barcelona-0-0-a.wav\n  annotations:\n"
        f"  - annotator_id: 32\n    sentence: '{HARD}'\n    tags:\n    - music\n"
        "  - annotator_id: 113\n    sentence: yes\n    tags: []\n"
        "- filename: park-paris-12-345-a.wav\n  annotations:\n"
        "  - annotator_id: 7\n    sentence: birds sing\n    tags: [birds]\n",
        "audio/park-paris-12-345-a.wav": SOUND,
    },
    "esc50": {
        "meta/esc50.csv": "filename,fold,target,category,esc10,src_file,take\n"
        "1-100032-A-0.wav,1,0,dog,True,100032,A\n2-100210-B-36.wav,2,36,vacuum_cleaner,False,"
        "100210,B\n3-1-A-0.wav,3,0,dog,True,1,A\n4-1-A-0.wav,4,0,dog,True,1,A\n"
        "5-1-A-0.wav,5,0,dog,True,1,A\n",
        "audio/1-100032-A-0.wav": SOUND,
        "audio/2-100210-B-36.wav": SOUND,
    },
    "audiocaps-uplifting": dict.fromkeys(
        ("style_train.csv", "style_val.csv", "style_test.csv"),
        f'audiocap_id,youtube_id,start_time,style_caption\n1,7fmOlUlwoNg,20,"{QUOTED}"\n'
        '2,#NAME?,30,Rain!\n3,7fmOlUlwoNg,20,"It sings. "\n',
    ),
    "clotho-uplifting": {
        f"Style/Uplifting/Clotho/clotho_captions_style_{split}.csv": "file_name,style_caption_1,"
        f'style_caption_2,style_caption_3,style_caption_4,style_caption_5\na.wav,"{QUOTED}",b,c,d,e\n'
        for split in ("development", "validation", "evaluation")
    },
    "clotho-v1": {
        f"clotho_captions_{split}.csv": "file_name,caption_1,caption_2,caption_3,caption_4,"
        f'caption_5\na.wav,"{QUOTED}",b,c,d,e\n'
        for split in ("development", "evaluation")
    },
    "audiocaps-v2": dict.fromkeys(
        ("train.csv", "val.csv", "test.csv"),
        f'audiocap_id,youtube_id,start_time,caption\n1,7fmOlUlwoNg,20,"{QUOTED}"\n',
    ),
    "coco": {
        f"annotations/captions_{split}.json": json.dumps(
            {
                "images": [
                    {"id": 9, "file_name": "COCO_9.jpg"},
                    {"id": 25, "file_name": "COCO_25.jpg"},
                ],
                "annotations": [
                    {"image_id": 25, "id": 1, "caption": HARD},
                    {"image_id": 9, "id": 2, "caption": "A dog. "},
                    {"image_id": 25, "id": 3, "caption": "Rain."},
                ],
            }
        )
        for split in ("train2014", "val2014", "train2017", "val2017")
    }
    | {"val2014/COCO_25.jpg": PIXEL},
    "flickr8k": {
        "Flickr8k_text/Flickr8k.token.txt": f"1_a.jpg#0\t{HARD}\n1_a.jpg#1\tA dog .\n"
        '2_b.jpg#0\t" Free " hugs .\n',
        "Flickr8k_text/Flickr_8k.trainImages.txt": "1_a.jpg\n",
        "Flickr8k_text/Flickr_8k.devImages.txt": "2_b.jpg\n",
        "Flickr8k_text/Flickr_8k.testImages.txt": "2_b.jpg\r\n1_a.jpg\r\n",
        "Flicker8k_Dataset/1_a.jpg": PIXEL,
    },
}


@pytest.fixture
def sound(aacbench_shared: Path) -> Path:
    return aacbench_shared / "data/audio/audiocaps_test/31WGUPOYS5g_22.wav"


@pytest.fixture
def made(tmp_path, sound):
    """Opens a data set of `LAYOUTS`, which is laid out first."""

    def make(name, **options):
        files = {path: sound if text is SOUND else text for path, text in LAYOUTS[name].items()}
        return opened(name, write(tmp_path / name, files), **options)

    return make


def said(data, split):
    return {name: truth.references for name, truth in data.annotations(split).items()}


def sources(data, split):
    return {name: truth.source_id for name, truth in data.annotations(split).items()}


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_passes_the_checks_that_third_parties_run(made, name):
    check_dataset(made(name), spec_of(name))


@pytest.mark.parametrize("name", LAYOUTS)
def test_hard_characters_come_through_as_they_stand_in_the_file(made, name):
    data = made(name)
    texts = [
        text for split in spec_of(name).splits for t in said(data, split).values() for text in t
    ]
    expected = "This is a sound of heart sounds, heartbeat." if name == "vggsound" else HARD
    assert name == "esc50" or expected in texts


def test_auto_acd_names_the_video_and_not_a_place_in_it(made):
    data = made("auto-acd")
    assert sources(data, "test") == {"-pmSWcYaWwm_000030": "youtube:-pmSWcYaWwm"}
    assert [clip.id for clip in data.clips("train")] == ["qmSWcYaWwmE"]
    assert len(data.clips("test")) == 1


def test_music_text_clips_start_at_a_second(made):
    data = made("yt8m-mtc")
    assert sources(data, "train") == {"_b2kd8nDJoU_110": "youtube:_b2kd8nDJoU:110"}
    assert [clip.source_id for clip in data.clips("test")] == ["youtube:ABCDEFGHIJK:95"]


@pytest.mark.parametrize(("name", "split"), [("vggcaps", "train"), ("vggsound", "test")])
def test_a_clip_of_vggsound_has_its_frame(made, name, split):
    (clip,) = made(name).clips(split)
    assert clip.id == "---g-f_I2yQ_1"
    assert clip.image is not None
    assert clip.image.name == "---g-f_I2yQ_000001.jpg"


def test_both_lists_of_vggsound_give_the_same_clips(tmp_path, made):
    whole = made("vggsound")
    part = write(tmp_path / "part", {"test.csv": "---g-f_I2yQ_000001.mp4,people marching\n"})
    assert dict(opened("vggsound", part).annotations("test")) == dict(whole.annotations("test"))


def test_a_sound_of_macs_has_the_captions_of_all_its_annotators_as_text(made):
    data = made("macs")
    assert said(data, "all")["airport-barcelona-0-0-a.wav"] == (HARD, "yes")
    assert sources(data, "all")["park-paris-12-345-a.wav"] == "tau-urban-2019:park-paris-12-345"


def test_a_macs_that_is_not_what_it_should_be_is_refused(tmp_path):
    texts = ("files: [", "- 1", "filename: x", "files:\n- 1", "files:\n- filename: a.wav")
    for number, text in enumerate(texts):
        root = tmp_path / str(number)
        write(root, {"MACS.yaml": text})
        with pytest.raises(BadData, match=r"MACS\.yaml"):
            opened("macs", root).annotations("all")


def test_esc10_is_the_part_of_esc50_that_its_table_marks(tmp_path, made):
    fifty = made("esc50")
    ten = opened("esc10", tmp_path / "esc50")
    assert said(fifty, "fold2") == {"2-100210-B": ("This is a sound of vacuum cleaner.",)}
    assert said(ten, "fold2") == {}
    assert [clip.id for clip in ten.clips("all")] == ["1-100032-A"]
    assert sources(ten, "fold1") == {"1-100032-A": "freesound:100032"}


def test_a_style_of_audiocaps_keeps_captions_whose_video_a_spreadsheet_has_lost(made):
    data = made("audiocaps-uplifting")
    assert said(data, "train") == {
        "7fmOlUlwoNg_20": (HARD, "It sings. "),
        "audiocap_2": ("Rain!",),
    }
    assert sources(data, "train")["audiocap_2"] is None


def test_captions_of_a_picture_are_gathered_in_the_pictures_order(made):
    data = made("coco")
    expected = {"COCO_9.jpg": ("A dog. ",), "COCO_25.jpg": (HARD, "Rain.")}
    assert list(said(data, "val2014").items()) == list(expected.items())


def test_captions_of_no_picture_are_refused(tmp_path):
    table = {"images": [], "annotations": [{"image_id": 3, "id": 1, "caption": "Rain."}]}
    write(tmp_path, {"captions_val2014.json": json.dumps(table)})
    with pytest.raises(BadData, match="record 1: no picture has the id 3"):
        opened("coco", tmp_path).annotations("val2014")


@pytest.mark.parametrize(
    ("name", "file", "split"),
    [("wavcaps", "sb_final.json", "SoundBible"), ("coco", "captions_val2014.json", "val2014")],
)
@pytest.mark.parametrize("text", ["{", "[]", '{"data": [{}], "images": [{}]}', '{"data": 1}'])
def test_a_json_that_is_not_what_it_should_be_is_refused(tmp_path, name, file, split, text):
    write(tmp_path, {file: text})
    with pytest.raises(BadData, match=file):
        opened(name, tmp_path).annotations(split)


def test_flickr8k_keeps_the_splits_order_and_its_quotes(made):
    data = made("flickr8k")
    assert list(said(data, "test")) == ["2_b.jpg", "1_a.jpg"]
    assert said(data, "dev") == {"2_b.jpg": ('" Free " hugs .',)}


def test_a_list_of_flickr8k_that_does_not_fit_is_refused_at_its_line(tmp_path):
    write(tmp_path, {"Flickr8k.token.txt": "a.jpg#0\tRain .\n", "Flickr_8k.devImages.txt": "b.jpg"})
    with pytest.raises(BadData, match=r"devImages\.txt, line 1: 'b\.jpg'"):
        opened("flickr8k", tmp_path).annotations("dev")
    write(tmp_path / "other", {"Flickr8k.token.txt": "a.jpg#0 Rain .\n"})
    with pytest.raises(BadData, match=r"token\.txt, line 1: no tab"):
        opened("flickr8k", tmp_path / "other").annotations("dev")


@pytest.mark.parametrize(("name", "split"), [("coco", "val2014"), ("flickr8k", "train")])
def test_a_picture_is_a_clip_that_says_that_it_has_no_sound(made, name, split):
    (clip,) = made(name).clips(split)
    assert clip.audio is None
    assert clip.image is not None
    with pytest.raises(BadAudio, match=f"clip '{clip.id}' has no sound, only a picture"):
        audio.waveform(clip, 16_000)
    assert decode(clip).clip == clip, "a captioner that sees needs the picture alone"
    assert audio.duration(clip) is None


def test_a_run_on_pictures_is_refused_before_it_starts(made, tmp_path, monkeypatch):
    made("flickr8k")
    monkeypatch.setenv("AACBENCH_DATA", str(tmp_path))
    settings = RunSettings(captioner="frequent@flickr8k", target="flickr8k@train")
    with pytest.raises(BadOption, match="flickr8k@train holds pictures and no sound"):
        plan(settings)


def test_pictures_are_told_apart_by_what_they_show(made, tmp_path):
    (clip,) = made("flickr8k").clips("train")
    other = tmp_path / "other.jpg"
    other.write_bytes(b"another picture")
    assert identity(clip) != identity(replace(clip, image=other))


@pytest.mark.parametrize("name", [*LAYOUTS, "wavcaps", "musiccaps", "song-describer", "esc10"])
def test_what_is_missing_is_named_with_the_layout_and_where_to_get_it(tmp_path, name):
    with pytest.raises(MissingAsset, match="is not at hand") as caught:
        opened(name, tmp_path / "nowhere")
    spec = spec_of(name)
    assert spec.homepage in caught.value.hint
    assert spec.layout[0].format(split=spec.default_split) in caught.value.hint


@pytest.mark.parametrize("name", [*LAYOUTS, "wavcaps", "musiccaps", "song-describer", "esc10"])
def test_a_spec_says_all_that_a_user_has_to_know(name):
    spec = spec_of(name)
    assert spec.licence
    assert spec.citation
    assert spec.citation.startswith("@")
    assert spec.paper
    assert spec.tags
    assert spec.derived_from
    assert spec.default_split in spec.splits
    assert spec.train_split is None or spec.train_split in spec.splits
    assert set(spec.contents) <= set(spec.splits)
