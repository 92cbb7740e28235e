"""pipelines/standing.py: progress counts ids once, however often their list was walked."""

from pipelines.standing import Standing


def test_a_list_that_is_walked_twice_counts_once():
    standing = Standing()
    standing.add(1, 1, {"read": 100})
    standing.add(1, 1, {"read": 120, "deleted": 4})
    standing.add(1, 2, {"read": 100})
    assert standing.states["read"] == 100
    standing.add(1, 1, {"read": 9})  # an answer of the first walk that arrives late
    standing.add(1, 2, {"read": 120, "deleted": 4})
    standing.settle(1, 224)
    assert (standing.states["read"], standing.states["deleted"]) == (220, 4)


def test_a_list_that_was_cut_counts_by_its_parts():
    standing = Standing()
    standing.add(1, 1, {"read": 224})
    standing.cut(1)
    assert standing.states["read"] == 0
    for window in (2, 3):
        standing.add(window, 1, {"read": 112})
        standing.settle(window, 112)
    assert standing.states["read"] == 224


def test_an_id_that_comes_twice_in_a_list_counts_once():
    standing = Standing()
    standing.add(1, 1, {"read": 448})
    standing.settle(1, 224)
    assert standing.states["read"] == 224
    standing.settle(7, 0)  # an empty window brought nothing
    assert standing.states.total() == 224


def test_what_belongs_to_no_window_counts_as_it_comes():
    standing = Standing()
    standing.add(None, 1, {"read": 1})
    standing.add(None, 1, {"read": 1})
    assert standing.states["read"] == 2
