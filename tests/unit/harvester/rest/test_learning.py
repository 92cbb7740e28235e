"""What is learned from answers for ids that cannot exist."""

import pytest

from harvester.rest.answers import Received
from harvester.rest.learning import Learning

JSON = "application/json"
OWN = b'{"status": 404, "message": "no"}'
PAGE = b"<html><title>404</title><h1>Not Found</h1></html>"


def learn(*answers: tuple[int, bytes] | None, accept: str = JSON) -> tuple[Learning, int]:
    learning, asked = Learning(["1", "2"], accept), 0
    for answer in answers:
        identifier = learning.ask()
        if identifier is None:
            break
        asked += 1
        learning.take(None if answer is None else Received(identifier, "u", answer[0], "", "", "", answer[1]))
    assert learning.ask() is None or asked < 2
    return learning, asked


def test_one_answer_in_the_shape_of_the_form_is_enough():
    learning, asked = learn((404, OWN), (404, OWN))
    assert (asked, learning.look is not None) == (1, True)


@pytest.mark.parametrize("answer", [(404, PAGE), (404, b""), (200, b'{"result": "nothing"}'), (204, b""), (410, PAGE)])
def test_an_answer_that_others_may_give_is_looked_at_twice(answer: tuple[int, bytes]):
    learning, asked = learn(answer, answer)
    assert asked == 2
    assert learning.look is not None
    assert learning.look.status == answer[0]


def test_numbers_that_change_with_each_answer_are_no_difference():
    learning, _ = learn((200, b'{"result": "nothing", "n": 1}'), (200, b'{"result": "nothing", "n": 2}'))
    assert learning.look is not None
    assert learning.look.digest == ""
    learning, _ = learn((200, b'{"result": "nothing"}'), (200, b'{"result": "nothing"}'))
    assert learning.look is not None
    assert learning.look.digest


@pytest.mark.parametrize(
    "answers",
    [
        (None,),
        ((500, b""),),
        ((403, PAGE),),
        ((404, PAGE), (404, b"")),
        ((200, b"{}"), (404, OWN)),
        ((404, PAGE), None),
    ],
)
def test_nothing_is_learned_from_answers_that_differ_or_say_nothing(answers: tuple[tuple[int, bytes] | None, ...]):
    assert learn(*answers)[0].look is None


def test_a_record_for_an_id_that_cannot_exist_is_named():
    learning, _ = learn((200, b'{"id": 2147483629, "title": "x"}'))
    assert (learning.look, learning.invented) == (None, "2147483629")
    learning, _ = learn((200, b"TY  - DATA\nT1  - 2147483629\nER  -\n"), accept="application/x-research-info-systems")
    assert learning.invented == "2147483629"
