"""``gazesim predict-gaze`` on a manifest with gaze for a part of its images, as GCA uses it."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

pytest.importorskip("gazesim.train")

from gazesim.cli import main
from gazesim.train import Manifest, ManifestSamples
from screens import fixations_of, name_of, write_fixations, write_images, write_labels

TINY = ["--size", "32", "--epochs", "12", "--features", "[4,4,8,8,8,4]", "--learning_rate", "5e-3"]
IMAGES, WITH_GAZE = 24, 16


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A folder with images, gaze of two readers for the first of them, and a manifest."""
    folder = tmp_path_factory.mktemp("study")
    rng = np.random.default_rng(7)
    places = write_images(folder / "images", rng, IMAGES)
    looked = fixations_of(places, rng)
    some = {key: path for key, path in looked.items() if key[0] in [name_of(i) for i in range(WITH_GAZE)]}
    write_fixations(folder / "gaze.csv", some)
    write_labels(folder / "labels.csv", places)
    words = ["--gaze", str(folder / "gaze.csv"), "--labels", str(folder / "labels.csv")]
    words += ["--screen_size", "1920,1080", "--placement", "fit", "--out", str(folder / "manifest.csv")]
    assert main(["manifest", str(folder / "images"), *words]) == 0
    return folder


@pytest.fixture(scope="module")
def model(study):
    assert (
        main(["predict-gaze", "fit", str(study / "model"), "--manifest", f"{study}/manifest.csv", *TINY]) == 0
    )
    return study / "model"


def metrics(folder):
    return json.loads((folder / "metrics.json").read_text())


def test_the_splits_of_a_manifest_are_held_out(study, model):
    record = metrics(model)
    entries = {entry.id: entry for entry in Manifest.read(study / "manifest.csv").entries}
    has_gaze = [name for name, entry in entries.items() if entry.gaze is not None]
    assert len(has_gaze) == WITH_GAZE
    assert record["held_out"] == [name for name in has_gaze if entries[name].split == "test"]
    assert record["held_out_by"] == "the split test"
    assert record["groups"] == [entries[name].group for name in record["held_out"]]
    assert set(record["mean"]) == {"CC", "KL", "SIM", "NSS", "AUC-Judd"}
    assert set(record["images"].values()) == {4}
    assert record["mean"]["NSS"] > 1
    assert record["mean"]["AUC-Judd"] > 0.8


def test_a_share_of_whole_groups_is_held_out(study, tmp_path, capsys):
    """Of the training images alone: those of the split test are not looked at."""
    words = ["--manifest", f"{study}/manifest.csv", *TINY, "--epochs", "1", "--held_out", "0.5"]
    assert main(["predict-gaze", "fit", str(tmp_path), *words]) == 0
    told = capsys.readouterr().err
    assert "training on 6 images of 3 groups, holding out 6 images of 3 groups (0.5 of the groups)" in told
    assert "16 of 24 images have gaze to learn from" in told
    assert "; 8 have none" in told
    record = metrics(tmp_path)
    entries = {entry.id: entry for entry in Manifest.read(study / "manifest.csv").entries}
    groups = set(record["groups"])
    same_patients = [
        name
        for name, entry in entries.items()
        if entry.group in groups and entry.gaze is not None and entry.split == "train"
    ]
    assert sorted(record["held_out"]) == sorted(same_patients)
    assert all(entries[name].split == "train" for name in record["held_out"])


def test_screen_coordinates_are_placed(study, model, tmp_path, capsys):
    """With true maps given, NSS tells where fixations were taken to be; what is not placed is warned of."""
    maps = tmp_path / "maps"
    samples = ManifestSamples(Manifest.read(study / "manifest.csv"), size=32)
    for i in range(WITH_GAZE):
        file = maps / f"{name_of(i)}.npy"
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file.with_name(f"case{i:02}.npy"), samples.gaze_map(samples.ids.index(f"case{i:02}")).numpy())
    words = ["--images", f"{study}/images", "--maps", str(maps), "--scanpaths", f"{study}/gaze.csv", *TINY]
    screen = ["--screen_size", "1920,1080"]
    scores, told = {}, {}
    for how, more in {"fit": [*screen, "--placement", "fit"], "screen": screen, "nothing": []}.items():
        # The second and third call go on from the same training: the gaze is for the scores alone.
        assert main(["predict-gaze", "fit", str(tmp_path / "model"), *words, *more]) == 0
        told[how] = capsys.readouterr().err
        scores[how] = metrics(tmp_path / "model")["mean"]
    assert scores["fit"]["CC"] == scores["screen"]["CC"] == scores["nothing"]["CC"]
    assert scores["fit"]["NSS"] > 1.5
    assert "8 images have no map, and are left out: 'left/case16'" in told["fit"]
    assert "warning" not in told["fit"]
    assert scores["screen"]["NSS"] < 0.7 * scores["fit"]["NSS"]
    assert 'expected placement ("fit", "center", "stretch" or "native") or image_box' in told["screen"]
    assert scores["nothing"]["NSS"] is None or scores["nothing"]["NSS"] < 0.5
    assert "warning: " in told["nothing"]
    assert "taken as image pixels (placement not stated)" in told["nothing"]


def test_maps_of_the_manifest_equal_those_of_training(study):
    """What the predictor learns from is what a training sees: the same maps, the same fixations."""
    from gazesim.commands.reading import read_gaze
    from gazesim.train.saliency.gaze_pairs import pairs_of_files, pairs_of_manifest

    manifest = Manifest.read(study / "manifest.csv")
    pairs = pairs_of_manifest(manifest, size=48)
    samples = ManifestSamples(manifest, size=48)
    for at, name in enumerate(pairs.ids):
        index = samples.ids.index(name)
        np.testing.assert_array_equal(pairs.maps[at], samples.gaze_map(index).numpy())
        np.testing.assert_array_equal(pairs.images[at], samples.image(index)[0].numpy())
        assert pairs.fixations[at].shape == (12, 3)  # six of each reader
    source = read_gaze(str(study / "gaze.csv"), screen_size=(1920, 1080), placement="fit")
    files = pairs_of_files(str(study / "images"), None, source.placed, size=48)
    by_name = {name.partition("/")[2]: at for at, name in enumerate(files.ids)}
    for at, name in enumerate(pairs.ids):
        np.testing.assert_allclose(files.maps[by_name[name]], pairs.maps[at], atol=1e-6)
        np.testing.assert_allclose(files.fixations[by_name[name]], pairs.fixations[at], atol=1e-9)


def lines(file):
    return file.read_text().splitlines()


def test_maps_for_the_rest_and_a_manifest_for_training(study, model, tmp_path, capsys):
    out = tmp_path / "maps"
    assert main(["predict-gaze", "run", str(model), f"{study}/manifest.csv", str(out)]) == 0
    told = capsys.readouterr().err
    assert "drawing maps of 8 of 24 images; 16 have gaze (--rows all: theirs too)" in told
    assert "wrote 8 maps" in told
    assert "next:" in told
    assert f"--data.manifest {out}/manifest.csv" in told
    rest = [f"case{i:02}" for i in range(WITH_GAZE, IMAGES)]
    assert sorted(lines(out / "ids.txt")) == rest
    both = Manifest.read(out / "manifest.csv")
    before = {entry.id: entry for entry in Manifest.read(study / "manifest.csv").entries}
    for entry in both.entries:
        assert (entry.heatmap is not None) == (entry.id in rest)
        assert (entry.gaze is None) == (entry.id in rest)
        assert (entry.label, entry.split, entry.group, entry.image_box) == (
            before[entry.id].label,
            before[entry.id].split,
            before[entry.id].group,
            before[entry.id].image_box,
        )
    samples = ManifestSamples(both, size=32)
    assert all(samples.gaze_map(i) is not None for i in range(len(samples)))

    words = ["--data.manifest", f"{out}/manifest.csv", "--data.size", "32", "--data.batch_size", "8"]
    words += ["--data.views.crop", "gaze", "--model.pairs.top_k", "1", "--trainer.accelerator", "cpu"]
    words += ["--model.backbone", "resnet10-narrow", "--trainer.max_epochs", "1", "--out", f"{tmp_path}/run"]
    assert main(["pretrain", *words]) == 0


def test_a_folder_of_maps_grows(study, model, tmp_path, capsys):
    """Maps of other images are added; what is there is kept, and drawn again to the same bits if lost."""
    out = tmp_path / "maps"
    words = ["predict-gaze", "run", str(model), f"{study}/manifest.csv", str(out)]
    assert main(words) == 0
    first = lines(out / "ids.txt")
    stamps = {name: (out / f"{name}.npy").stat().st_mtime_ns for name in first}
    lost = (out / f"{first[3]}.npy").read_bytes()
    (out / f"{first[3]}.npy").unlink()
    capsys.readouterr()
    assert main([*words, "--rows", "all"]) == 0
    assert "wrote 17 maps" in (told := capsys.readouterr().err)
    assert "kept 7 that were there; ids.txt lists 24" in told
    assert lines(out / "ids.txt")[:8] == first
    assert len(set(lines(out / "ids.txt"))) == IMAGES
    assert (out / f"{first[3]}.npy").read_bytes() == lost
    for name in first[:3]:
        assert (out / f"{name}.npy").stat().st_mtime_ns == stamps[name]

    # Images of a folder have their path as name: nothing is mixed up with the ids of the manifest.
    assert main(["predict-gaze", "run", str(model), f"{study}/images", str(out)]) == 0
    assert len(lines(out / "ids.txt")) == 2 * IMAGES
    for i in (0, 1, 17):
        name = name_of(i).rpartition(".")[0]
        np.testing.assert_array_equal(np.load(out / f"{name}.npy"), np.load(out / f"case{i:02}.npy"))
    with (out / "maps.csv").open(newline="") as record:
        rows = list(csv.DictReader(record))
    assert [row["id"] for row in rows] == lines(out / "ids.txt")


def test_a_killed_call_is_gone_on_with(study, model, tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    words = ["predict-gaze", "run", str(model), f"{study}/images"]
    assert main([*words, str(whole)]) == 0
    cut.mkdir()
    record = (whole / "maps.csv").read_text()
    kept = lines(whole / "maps.csv")[:6]
    # A last row without its end, and a map without its row, as a killed process leaves them.
    (cut / "maps.csv").write_text("\n".join(kept) + "\n" + record.splitlines()[6][:9])
    for row in record.splitlines()[1:7]:
        name = row.partition(",")[0]
        (cut / name).parent.mkdir(exist_ok=True)
        (cut / f"{name}.npy").write_bytes((whole / f"{name}.npy").read_bytes())
    assert main([*words, str(cut)]) == 0
    files = sorted(file.relative_to(whole) for file in whole.rglob("*") if file.is_file())
    assert files == sorted(file.relative_to(cut) for file in cut.rglob("*") if file.is_file())
    for file in files:
        assert (cut / file).read_bytes() == (whole / file).read_bytes(), file


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("image", "holds a map of 'a' already, drawn with image "),
        ("model", "holds a map of 'a' already, drawn with predictor "),
        ("format", "holds a map of 'a' already, drawn with format npy, and now png"),
        ("record", "holds a map of 'a', and maps.csv does not say of which image"),
    ],
)
def test_maps_are_not_mixed_up(change, message, model, tmp_path, capsys):
    images, out = tmp_path / "images", tmp_path / "maps"
    images.mkdir()
    np.save(images / "a.npy", np.random.default_rng(0).random((40, 40)))
    assert main(["predict-gaze", "run", str(model), str(images), str(out)]) == 0
    before = (out / "a.npy").read_bytes()
    other, more = model, []
    if change == "image":
        np.save(images / "a.npy", np.random.default_rng(1).random((40, 40)))
    if change == "model":
        other = tmp_path / "other"
        assert main(["predict-gaze", "fit", str(other), "--phantom", "8", *TINY, "--epochs", "1"]) == 0
    if change == "format":
        more = ["--format", "png"]
    if change == "record":
        (out / "maps.csv").unlink()
    capsys.readouterr()
    assert main(["predict-gaze", "run", str(other), str(images), str(out), *more]) == 1
    assert message in (told := capsys.readouterr().err)
    assert told.count("\n") == 1
    assert (out / "a.npy").read_bytes() == before
    assert lines(out / "ids.txt") == ["a"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fit", "{out}", "--manifest", "{m}", "--images", "x"], "images is given beside manifest"),
        (["fit", "{out}", "--manifest", "{m}", "--maps", "x"], "maps is given beside manifest"),
        (["fit", "{out}", "--images", "{m}"], "which is a manifest; expected --manifest {m}"),
        (["fit", "{out}", "--manifest", "{bare}"], "names no gaze for any of 2 images"),
        (["fit", "{out}", "--phantom", "8", "--bits", "12"], "bits is given without manifest"),
        (
            ["fit", "{out}", "--manifest", "{m}", "--held_out", "0.01"],
            "0 of 6 groups; expected some and not all",
        ),
        (["run", "{model}", "{m}", "{out}", "--rows", "some"], "rows is 'some'"),
        (
            ["run", "{model}", "{images}", "{out}", "--rows", "all"],
            "is no manifest; expected a manifest, or no rows",
        ),
        (["run", "{model}", "{images}", "{images}/maps"], "so that its maps would be images the next time"),
        (["run", "{model}", "{m}", "{out}", "--manifest_out", "{m}"], "which is the given manifest"),
        (["run", "{model}", "{m}", "{out}", "--bits", "20"], "bits is 20; expected"),
    ],
)
def test_mistakes_get_one_sentence(words, message, study, model, tmp_path, capsys):
    bare = tmp_path / "bare.csv"
    np.save(tmp_path / "a.npy", np.zeros((8, 8)))
    bare.write_text("id,image\na,a.npy\nb,a.npy\n")
    names = {"out": tmp_path / "out", "m": study / "manifest.csv", "bare": bare, "model": model}
    names["images"] = study / "images"
    assert main(["predict-gaze", *(word.format(**names) for word in words)]) == 1
    told = capsys.readouterr().err
    assert message.format(**names) in told
    assert told.splitlines()[-1].startswith("gazesim predict-gaze: ")


def test_a_manifest_of_other_images_is_not_replaced(study, model, tmp_path, capsys):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).random((32, 32)))
    (tmp_path / "other.csv").write_text("id,image\nx,x.npy\n")
    out = tmp_path / "maps"
    assert main(["predict-gaze", "run", str(model), f"{tmp_path}/other.csv", str(out)]) == 0
    before = (out / "manifest.csv").read_bytes()
    words = ["predict-gaze", "run", str(model), f"{study}/manifest.csv", str(out)]
    assert main(words) == 1
    assert "has 1 rows that" in (told := capsys.readouterr().err)
    assert "lacks, such as 'x', and would be replaced; expected --manifest_out FILE" in told
    assert main([*words, "--manifest_out", f"{tmp_path}/both.csv"]) == 0
    assert (out / "manifest.csv").read_bytes() == before
    assert len(lines(out / "ids.txt")) == 9


@pytest.mark.parametrize(("has_gaze", "rows"), [(True, " --rows all"), (False, "")])
def test_the_proposed_command_suits_the_manifest(has_gaze, rows, study, tmp_path, capsys):
    entries = Manifest.read(study / "manifest.csv").entries
    Manifest([one for one in entries if one.gaze or not has_gaze]).write(tmp_path / "m.csv")
    words = ["--manifest", f"{tmp_path}/m.csv", *TINY, "--epochs", "1"]
    assert main(["predict-gaze", "fit", str(tmp_path / "model"), *words]) == 0
    proposed = capsys.readouterr().err.splitlines()[-1]
    assert proposed.endswith(f"predict-gaze run {tmp_path}/model {tmp_path}/m.csv MAPS{rows}")
    words = proposed.partition("gazesim ")[2].replace("MAPS", str(tmp_path / "maps")).split()
    assert main(words) == 0
