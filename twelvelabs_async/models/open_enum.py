"""Vocabularies of the platform, which may grow."""

from enum import StrEnum
from typing import Self


class OpenEnum(StrEnum):
    """Words that the platform uses today; any other text becomes a member, too.

    A word that the platform adds tomorrow is data, not a crash. A member equals its text.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        word = str.__new__(cls, value)
        word._name_ = value
        word._value_ = value
        return word
