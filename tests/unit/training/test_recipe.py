"""The recipe: unknown keys, wrong values, overrides, paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from sphereface.errors import ConfigurationError
from sphereface.training.recipe import Recipe, parse_recipe, read_recipe

PLAIN = ("title", "licence", "notes", "regularizers")  # no sections

TEXT = """
[data]
train = ["faces"]
[head]
name = "cosface"
settings = { margin = 0.35 }
"""


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(TEXT)
    return path


def test_paths_start_at_the_recipe(recipe_file: Path) -> None:
    assert read_recipe(recipe_file).data.train == (recipe_file.parent / "faces",)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("traning.seed=2", r"no key 'traning'\. Did you mean 'training'\?"),
        ("training.sede=2", r"no key 'training\.sede'\. Did you mean 'seed'\?"),
        ("training.images=-1", r"'training\.images' does not fit.*greater than or equal to 1.*-1"),
        ("training.images=many", r"'training\.images' does not fit"),
        ("optimiser.schedule=linear", r"'optimiser\.schedule' does not fit.*'cosine' or 'steps'"),
        ("input.size=96x96", r"'input\.size' does not fit"),
        ("backbone.settings.size=112x96", r"taken from input\.size"),
        ("training.seed", "takes key=value"),
        ("training.seed=-1", r"'training\.seed' does not fit"),
        ("head.settings.num_classes=3", r"comes from the data and the backbone"),
        ("backbone.settings.name=sfnet4", r"set backbone\.name"),
        ("data.trial_known=people", "belong together"),
        ("title.deeper=1", "'title' does not fit|is a value, not a section"),
    ],
)
def test_a_wrong_setting_is_explained(recipe_file: Path, override: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read_recipe(recipe_file, (override,))


def test_overrides_are_toml_or_text(recipe_file: Path) -> None:
    recipe = read_recipe(
        recipe_file, ("training.seed=7", "title=seven days", "head.settings.margin=0.4", "input.size=112x112")
    )
    assert (recipe.training.seed, recipe.title, recipe.head.settings["margin"]) == (7, "seven days", 0.4)
    assert recipe.input.size == "112x112"


def test_a_path_in_an_override_starts_where_the_program_runs(
    recipe_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "elsewhere"
    here.mkdir()
    monkeypatch.chdir(here)
    for override in ("data.train=mine", "data.train='mine'", 'data.train=["mine"]', 'data={ train = "mine" }'):
        assert read_recipe(recipe_file, (override,)).data.train == (here / "mine",)
    assert read_recipe(recipe_file, ("data.pairs=/pairs.txt",)).data.pairs == Path("/pairs.txt")


def test_one_folder_need_not_be_a_list(tmp_path: Path) -> None:
    assert parse_recipe({"data": {"train": "faces"}}, tmp_path).data.train == (tmp_path / "faces",)


def test_another_loss_does_not_inherit_the_settings_of_the_recipes(recipe_file: Path) -> None:
    assert read_recipe(recipe_file, ("head.name=arcface",)).head.settings == {}
    assert read_recipe(recipe_file, ("head.name=cosface",)).head.settings == {"margin": 0.35}
    for order in (1, -1):
        overrides = ("head.settings.margin=0.4", "head.name=arcface")[::order]
        assert read_recipe(recipe_file, overrides).head.settings == {"margin": 0.4}


def test_another_optimiser_does_not_inherit_the_rates_of_the_recipes(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f"{TEXT}[optimiser]\nlearning_rate = 0.2\nweight_decay = 1e-4\nwarmup = 0.1\n")
    for overrides, rates in {
        (): (0.2, 1e-4),
        ("optimiser.name=sgd",): (0.2, 1e-4),
        ("optimiser.name=adamw",): (1e-3, 0.1),
        ("optimiser.weight_decay=0.05", "optimiser.name=adamw"): (1e-3, 0.05),
    }.items():
        optimiser = read_recipe(path, overrides).optimiser
        assert (optimiser.learning_rate, optimiser.weight_decay, optimiser.warmup) == (*rates, 0.1)
    with pytest.raises(ConfigurationError, match=r"'optimiser\.name' does not fit.*'sgd' or 'adamw'.*'adam'"):
        read_recipe(path, ("optimiser.name=adam",))


@pytest.mark.parametrize("section", [name for name in Recipe.model_fields if name not in {"data", *PLAIN}])
def test_a_section_that_says_little_changes_no_default(section: str) -> None:
    least = {"data": {"train": "faces"}}
    assert parse_recipe({**least, section: {}}) == parse_recipe(least)


def test_colours_do_not_change_the_size(recipe_file: Path) -> None:
    assert read_recipe(recipe_file, ("input.colour=bgr",)).input.size == "112x96"


def test_a_recipe_that_names_no_loss_has_the_usual_one(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[data]\ntrain = 'faces'\n[head]\nsettings = { margin = 0.2 }\n")
    assert read_recipe(path, ("head.name=cosface",)).head.settings == {"margin": 0.2}
    assert read_recipe(path, ("head.name=arcface",)).head.settings == {}


def test_a_network_of_ones_own_is_not_given_the_settings_of_ours() -> None:
    data = {"train": ["faces"]}
    ours = parse_recipe({"data": data, "backbone": {"name": "sfnet10"}}).backbone
    assert ours.settings == {"embedding_dim": 512, "batch_norm": True}
    assert parse_recipe({"data": data, "backbone": {"name": "mine"}}).backbone.settings == {}


def test_a_missing_or_broken_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no recipe at"):
        read_recipe(tmp_path / "none.toml")
    (tmp_path / "broken.toml").write_text("[data\n")
    with pytest.raises(ConfigurationError, match="not valid TOML"):
        read_recipe(tmp_path / "broken.toml")
    (tmp_path / "latin.toml").write_bytes(b"title = '\xff'")
    with pytest.raises(ConfigurationError, match="cannot read"):
        read_recipe(tmp_path / "latin.toml")


def test_a_recipe_without_data_says_so() -> None:
    with pytest.raises(ConfigurationError, match="lacks the key 'data'"):
        parse_recipe({})


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[3] / "recipes").glob("*.toml")), ids=lambda p: p.stem
)
def test_every_recipe_of_the_project_is_readable_and_headed(path: Path) -> None:
    recipe = read_recipe(path)
    assert recipe.training.steps >= 1
    head = path.read_text().split("title =")[0]
    for word in ("sphereface train", "Data", "Hardware", "Measured"):
        assert word in head, f"{path.name} is not headed by its {word}"
