"""How a command says no: in the owner's words, with what to do, and an exit code."""

from __future__ import annotations

from trimtab.exit_codes import NO, NOT_RUNNING, WRONG_USE


class Failure(Exception):
    """The command ends here. `advice` says what to do next."""

    def __init__(self, code: int, text: str, advice: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.advice = advice

    def as_json(self) -> dict[str, str | int]:
        return {"error": self.text, "advice": self.advice, "exit_code": self.code}


def answer_is_no(text: str, advice: str = "") -> Failure:
    return Failure(NO, text, advice)


def wrong_use(text: str, advice: str = "") -> Failure:
    return Failure(WRONG_USE, text, advice)


def not_running(
    text: str, advice: str = "Start it with `trimtab up`, or try `trimtab demo`."
) -> Failure:
    return Failure(NOT_RUNNING, text, advice)
