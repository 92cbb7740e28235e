"""Whether a media type is served, as the answers of its ids say."""

from harvester.http.blocks import UNSERVED_LEAST, Service


def test_a_type_is_not_served_when_a_few_ids_are_refused_in_it_and_none_is_sent():
    service = Service()
    for number in range(UNSERVED_LEAST):
        assert not service.refused
        service.take(404)
        service.take(406 if number % 2 else 415)
    assert service.refused


def test_a_type_that_was_sent_once_is_served():
    service = Service()
    service.take(200)
    for _ in range(100):
        service.take(406)
    assert not service.refused
    assert not service.doubtful


def test_no_more_are_asked_for_at_once_than_may_settle_it():
    service = Service(asking=UNSERVED_LEAST)
    assert not service.doubtful
    service.take(406)
    assert service.doubtful
    service.asking = UNSERVED_LEAST - 2
    assert not service.doubtful
