"""What is wrong with a recipe, in one sentence."""

from __future__ import annotations

import typing

from pydantic import BaseModel, ValidationError

from sphereface.errors import nearest


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """Say the first problem of a recipe: its key, and the nearest known one or the accepted values."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = _known_keys(model, first["loc"][:-1])
        wrong = str(first["loc"][-1])
        return f"the recipe has no key '{where}'.{nearest(wrong, known)} Known here: {', '.join(known)}"
    if first["type"] == "missing":
        return f"the recipe lacks the key '{where}'"
    given = "" if isinstance(first["input"], dict) else f" (given: {first['input']!r})"
    return f"the recipe's '{where or 'values'}' does not fit: {first['msg']}{given}"


def _known_keys(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    for part in location:
        if isinstance(part, int):  # a place in a list of sections
            continue
        annotation = model.model_fields[part].annotation
        annotation = next(iter(typing.get_args(annotation)), annotation)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model = annotation
    return list(model.model_fields)
