"""`init`: everything an owner edits, written once, and the keys asked for and tried."""

from __future__ import annotations

from pathlib import Path

import typer

from trimtab import show
from trimtab.alpaca_account import PAPER_URL, KeysRefused, Unreachable, ask_alpaca
from trimtab.failure import answer_is_no
from trimtab.place import read_settings
from trimtab_runtime.home import write_private

ENV_EXAMPLE = """\
# Copy this file to .env and fill in what you need. Rooms and commands read .env in the folder
# they are started in; variables of the environment win over it. Each name may end in _FILE and
# then names a file that holds the value.

# sim: simulated exchange, no keys. paper: Alpaca's paper account. live: real money, needs arming.
TRIMTAB_MODE=paper

# Alpaca's keys for that mode (APCA_API_KEY_ID and APCA_API_SECRET_KEY are read as well).
TRIMTAB_ALPACA_KEY_ID=
TRIMTAB_ALPACA_SECRET_KEY=

# Where Trimtab keeps what it writes, and where it reads its configuration.
#TRIMTAB_HOME=./var
#TRIMTAB_CONFIG_DIR=./config

# Without these an embedded server and SQLite in the home are used.
#TRIMTAB_REDIS_URL=redis://:password@host:6379/0
#TRIMTAB_DATABASE_URL=postgresql://user:password@host/trimtab
"""
STRATEGIES_README = """\
Your own strategies live here: one file each, a class with `targets(panel)`.
Use one in any command and in config/strategies.yaml as user_data/strategies/mine.py:MyStrategy,
and check it first: trimtab lookahead user_data/strategies/mine.py:MyStrategy
"""


def set_up(*, yes: bool, home: Path | None, config: Path | None, as_json: bool) -> None:
    """Write what is missing; nothing that exists is changed."""
    settings = read_settings(home, config)
    settings.at_home.made(settings.at_home.root)
    written = [*_copy_config(settings.config_dir), *_write_others()]
    keys = "kept" if settings.alpaca_key_id is not None else "none"
    if keys == "none" and not yes:
        keys = _ask_for_keys()
        written += [str(Path(".env"))] if keys != "none" else []
    lines = [f"wrote {name}" for name in written] or ["Nothing was missing."]
    lines.append("Next: `trimtab doctor`, then `trimtab demo`, then `trimtab up`.")
    show.result({"written": written, "keys": keys}, as_json=as_json, lines=lines)


def shipped_config() -> Path:
    """The configuration that comes with Trimtab: in the package, or beside it in a checkout."""
    here = Path(__file__).resolve()
    for folder in (here.parent / "config", here.parents[2] / "config"):
        if folder.is_dir():
            return folder
    raise answer_is_no(
        "The configuration that ships with Trimtab is not in this installation.",
        "Copy the folder config/ from the release you installed.",
    )


def _copy_config(config_dir: Path) -> list[str]:
    written = []
    for source in sorted(shipped_config().glob("*.yaml")):
        target = config_dir / source.name
        if not target.exists():
            config_dir.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
            written.append(str(target))
    return written


def _write_others() -> list[str]:
    texts = {
        Path(".env.example"): ENV_EXAMPLE,
        Path("user_data/strategies/README.md"): STRATEGIES_README,
    }
    missing = {path: text for path, text in texts.items() if not path.exists()}
    for path, text in missing.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return [str(path) for path in missing]


def _ask_for_keys() -> str:
    """Ask, try them against the paper account, and write them into `.env`, for the owner alone."""
    show.aside("Keys of Alpaca's paper account (https://app.alpaca.markets); Enter to go without.")
    key_id = typer.prompt("Key id", default="", show_default=False, err=True).strip()
    if not key_id:
        return "none"
    secret_key = typer.prompt("Secret key", hide_input=True, err=True).strip()
    try:
        account = ask_alpaca(PAPER_URL, key_id, secret_key)
    except KeysRefused as refused:
        raise answer_is_no(
            f"These are no keys of a paper account: {refused}.",
            "Make new ones on Alpaca's page (switch to Paper first), then `trimtab init` again.",
        ) from None
    except Unreachable as silent:
        show.aside(f"The keys could not be tried: {silent}. They are written all the same.")
        outcome = "not checked"
    else:
        show.aside(f"They belong to paper account {account.number}, equity {account.equity}.")
        outcome = "checked"
    _write_keys(key_id, secret_key)
    return outcome


def _write_keys(key_id: str, secret_key: str) -> None:
    """Put the keys into `.env`, keeping what else it says."""
    path = Path(".env")
    new = {
        "TRIMTAB_MODE": "paper",
        "TRIMTAB_ALPACA_KEY_ID": key_id,
        "TRIMTAB_ALPACA_SECRET_KEY": secret_key,
    }
    text = path.read_text(encoding="utf-8") if path.exists() else ENV_EXAMPLE
    kept = [line for line in text.splitlines() if line.split("=")[0].strip() not in new]
    lines = [*kept, *(f"{name}={value}" for name, value in new.items())]
    write_private(path, "\n".join(lines) + "\n")
