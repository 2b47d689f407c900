"""The verbs put together; plugins' own commands are looked up when an unknown verb is typed."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from aacbench.cli import (
    caption,
    compare,
    data,
    demo,
    doctor,
    gather,
    kb,
    leaderboard,
    listing,
    meta,
    profile,
    rate,
    report,
    run,
    score,
    show,
    train,
)
from aacbench.cli.console import commands_of
from aacbench.errors import UnknownName, nearest


class Verbs(TyperGroup):
    """Loads plugins only for a verb that is not built in, so that --help stays quick."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return super().get_command(ctx, cmd_name) or self._from_plugins().get(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            known = [*self.list_commands(ctx), *self._from_plugins()]
            raise UnknownName(f"There is no command '{args[0]}'.", nearest(args[0], known))
        return super().resolve_command(ctx, args)

    @staticmethod
    def _from_plugins() -> dict[str, Any]:
        from aacbench.plugins import registry

        more = typer.Typer()
        hooks = registry().command_hooks
        if not hooks:
            return {}
        for plugin, add in hooks:
            one = commands_of(plugin, add)
            more.registered_commands.extend(one.registered_commands)
            more.registered_groups.extend(one.registered_groups)
        more.callback()(lambda: None)
        group = typer.main.get_command(more)
        return dict(getattr(group, "commands", {}))


app = typer.Typer(
    cls=Verbs,
    help="Caption sound with any captioner, score captions as the reference tools do, and keep "
    "the results.",
    epilog="Start with: aacbench demo. Plugins may add commands: aacbench list commands.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("gather")(gather.gather)
app.command("score")(score.score)
app.command("compare")(compare.compare)
app.command("meta")(meta.meta)
app.command("caption")(caption.caption)
app.command("list")(listing.list_parts)
app.command("show")(show.show)
app.command("profile")(profile.profile)
app.command("report")(report.report)
app.command("doctor")(doctor.doctor)
app.command("demo")(demo.demo)
app.command("train", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(
    train.train
)
app.add_typer(data.app, name="data")
app.add_typer(kb.app, name="kb")
app.add_typer(leaderboard.app, name="leaderboard")
app.add_typer(rate.app, name="rate")


def _print_version(asked: bool) -> None:
    if asked:
        from aacbench import __version__

        print(f"aacbench {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """Options before the verb."""
