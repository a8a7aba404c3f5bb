"""PairSettings: a rule has to be chosen, and what has no effect is refused."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("gazesim.train")

from gazesim.torch import DenseSource
from gazesim.train import PairSettings, Ramp


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {},
            "threshold, top_k and quantile are all missing; expected one of them, .*`gazesim inspect CACHE`",
        ),
        ({"scheme": "dhash"}, "all missing"),
        ({"weighting": "affinity"}, "all missing"),
        ({"threshold": 0.5, "quantile": 0.5}, "threshold and quantile are both given"),
        ({"top_k": 2, "cache": "c", "scheme": "dhash"}, "scheme is 'dhash' beside the cache c, .*no scheme"),
        ({"top_k": 2, "cache": "c", "scheme": "moments"}, "scheme is 'moments' beside the cache c"),
        (
            {"top_k": 2, "cache": "c", "params": {"alpha": 0.1}},
            r"params is \{'alpha': 0.1\} beside the cache",
        ),
        ({"top_k": 2, "temperature": 0.1}, 'temperature is 0.1, which weighting "binary" does not use'),
        ({"top_k": 2, "weighting": "soft"}, "weighting is 'soft'"),
    ],
)
def test_mistakes_are_refused_at_once(options, message):
    with pytest.raises(ValueError, match=message):
        PairSettings(**options)


def test_settings_become_the_mask():
    source = DenseSource(np.eye(3), ["a", "b", "c"])
    soft = PairSettings(weighting="softmax", temperature=0.5).mask(source)
    assert (soft.weighting, soft.temperature, soft.top_k) == ("softmax", 0.5, None)
    ramped = PairSettings(threshold=Ramp(0.9, 0.5, epochs=2), confidence=0.5).mask(source)
    ramped.set_epoch(2)
    assert (ramped.threshold, ramped.confidence) == (0.5, 0.5)
