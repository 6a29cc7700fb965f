"""The Python of docs/image-to-image.md runs."""

import re

from ganzoo.configs import config_directory

PAGE = config_directory().parent / "docs" / "image-to-image.md"
*_, OWN = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.M | re.S)


def test_networks_and_batches_of_ones_own_are_trained():
    names = {}
    exec(compile(OWN, str(PAGE), "exec"), names)
    model = names["model"]
    assert model.progress.iterations == 20
    assert len(model.translators()["b"]) == 4, "the generator of the page"
    assert names["negatives"].shape == (8, 1, 8, 8)
