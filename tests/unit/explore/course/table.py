"""The explorers of the whole course, for the sweep over all controls."""

from small_models import seeded


def _gallery(names: tuple[str, ...]):
    from course_lib.explore.course.gallery import gallery
    from course_lib.models.autoregressive import MADE, NADE

    shape = (1, 28, 28)
    with seeded():
        models = {"nade": NADE(event_shape=shape, hidden=4), "made": MADE(event_shape=shape, hidden=(8,))}
    return gallery(
        {name: ("untrained, and described at such length that the words have to be cut", models[name]) for name in names}
    )


def _face_maker():
    from course_lib.explore.course.faces import face_maker

    return face_maker()


EXPLORERS = {
    "gallery.gallery": lambda: _gallery(("nade",)),
    "gallery.gallery/nothing trained": lambda: _gallery(()),
    "faces.face_maker": _face_maker,
}
