"""harvester/errors.py"""

import pickle

from harvester import errors


def test_every_error_survives_the_way_out_of_a_decoding_process():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.HarvestError)]
    assert len(kinds) > 5
    for kind in kinds:
        error = kind("badArgument", "no such set") if kind is errors.ProviderError else kind("what was found")
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is kind
        assert str(again) == str(error)
        assert vars(again) == vars(error)
