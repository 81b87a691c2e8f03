"""`course`: what may be asked, and who answers. Each answer is imported only when asked for."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from course_lib import __version__, settings
from course_lib.cli import children, shadows, streams
from course_lib.cli.asked import AskedWrongly, Failed, checked
from course_lib.cli.lessons import ROOT, Lesson, UnknownName, find, lessons
from course_lib.files import DataFileError

SHORT_WAIT = "5000"
"""For how many rounds of an empty loop a thread of torch waits for the next piece of work before it sleeps, here and in every
kernel that a command starts. The usual 300,000 rounds take a core away from whoever works: with other programs on both cores,
two threads trained a small network five and ten times slower in two runs of tests/benchmarks/test_waiting_threads.py, and on
another processor 1.8 times (the median; 1.0 to 6.6). There, without other programs, the short wait cost a tenth of the speed."""
READER_LEFT = 141  # the exit code that a shell gives to a program ended by SIGPIPE


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the `course` command; return its exit code.

    0 all well, 1 something failed, 2 asked wrongly, 130 stopped by Ctrl-C, 143 and 129 by SIGTERM and by a terminal that closed,
    141 where the program that reads the output, such as `head`, had enough before the command came to its end.

    Errors with a known reason are one line, and a traceback when COURSE_DEBUG is set; other errors keep their traceback.
    """
    streams.accept_every_sign()
    os.environ.pop("MPLBACKEND", None)  # no command opens a window, and a backend that is not installed would stop matplotlib
    os.environ.setdefault("GOMP_SPINCOUNT", SHORT_WAIT)
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    parser, commands = _parser()
    try:
        if arguments and not arguments[0].startswith("-") and arguments[0] not in commands:
            raise UnknownName("command", arguments[0], list(commands))
        asked, extra = parser.parse_known_args(arguments)
        if extra and asked.command not in ("lab", "present"):
            parser.error(f"unrecognised: {' '.join(extra)}")
        asked.extra = extra
        if asked.command != "doctor":  # which looks for both itself
            for line in shadows.leave_out():
                streams.complain(f"course: {line} (its folder is left out for now)")
            with suppress(OSError):  # a command that needs one says so
                settings.temporary_folder()
        checked(settings.threads)
        with children.stopped_by_signals():
            code = asked.answer(asked)
            streams.flush()
            return code
    except KeyboardInterrupt as stop:
        streams.complain("\ncourse: stopped by hand")
        return getattr(stop, "code", children.stop_code())
    except BrokenPipeError:  # as in `course list | head`: whoever read has enough
        streams.give_up()
        return READER_LEFT
    except (AskedWrongly, DataFileError, Failed, OSError) as error:
        if os.environ.get("COURSE_DEBUG", "") not in ("", "0"):
            raise
        streams.complain(f"course: {error}")
        if isinstance(error, OSError) and children.was_stopped():  # what was printed on the way out met a closed terminal
            return children.stop_code()
        return 2 if isinstance(error, AskedWrongly) else 1


def _parser() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    parser = argparse.ArgumentParser(prog="course", description="An interactive course on deep generative models.")
    parser.add_argument("--version", action="version", version=f"course {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    lab = commands.add_parser("lab", help="open JupyterLab at a lesson (further options, written --name=value, go to JupyterLab)")
    lab.add_argument("lesson", nargs="?", default="00", help="7, 07, nade or 07_nade (default: 00)")
    lab.set_defaults(answer=_lab)

    present = commands.add_parser("present", help="open a lesson as slides, its explorers alive; its file stays as it is")
    present.add_argument("lesson", help="7, 07, nade or 07_nade")
    present.set_defaults(answer=_present)

    slides = commands.add_parser("slides", help="still copies of the lessons as slides, each one HTML file")
    slides.add_argument("lesson", nargs="*", default=["all"], help="7, 07, nade, 07_nade, or all (default: all)")
    slides.add_argument("--out", type=Path, default=Path("out/slides"), help="folder for them (default: out/slides)")
    slides.set_defaults(answer=_slides)

    commands.add_parser("list", help="the lessons, the data sets and the trained models").set_defaults(answer=_list)

    run = commands.add_parser("run", help="run lessons from top to bottom into a folder")
    run.add_argument("lesson", nargs="+", help="7, 07, nade, 07_nade, or all")
    _add_budget(run)
    run.add_argument("--out", type=Path, default=Path("out"), help="folder for the executed notebooks (default: out)")
    run.add_argument("--jobs", type=int, default=1, help="lessons at a time (default: 1)")
    run.set_defaults(answer=_run)

    train = commands.add_parser("train", help="train a model again, going on where an earlier run stopped")
    train.add_argument("name", help="as `course list` shows it")
    _add_budget(train)
    train.add_argument("--device", help="cpu, cuda, cuda:1, mps (default: CUDA where there is one, else the CPU)")
    train.add_argument(
        "--validate", action="store_true", help="train on the training split alone, measure on the validation split"
    )
    train.add_argument("--anew", action="store_true", help="give up an unfinished run and begin at the first epoch")
    train.add_argument("--ship", action="store_true", help="put the result into data/checkpoints (budget full only)")
    train.set_defaults(answer=_train)

    score = commands.add_parser("score", help="measure the shipped models of digits again: the table of lesson 26")
    score.add_argument("name", nargs="*", help="models to measure, as `course list` shows them (default: all)")
    _add_budget(score)
    score.add_argument("--device", help="cpu, cuda, cuda:1, mps (default: CUDA where there is one, else the CPU)")
    score.add_argument("--changed", action="store_true", help="only models that have no row yet, or whose weights have changed")
    score.add_argument("--check", action="store_true", help="write nothing; fail where a number moved by three standard errors")
    score.add_argument("--out", type=Path, help="file to write (default: data/studies/scoreboard.json)")
    score.set_defaults(answer=_score)

    release = commands.add_parser(
        "release", help="copies of the lessons to hand out: without solutions, or with all of them open"
    )
    release.add_argument("lesson", nargs="*", default=["all"], help="7, 07, nade, 07_nade, or all (default: all)")
    release.add_argument(
        "--student", type=Path, metavar="FOLDER", help="no solutions, no notes for the speaker, exercises untried"
    )
    release.add_argument("--instructor", type=Path, metavar="FOLDER", help="solutions and notes for the speaker unfolded")
    release.set_defaults(answer=_release)

    site = commands.add_parser(
        "site", help="the lessons as pages to read, with some explorers alive, without a kernel or a network"
    )
    site.add_argument("lesson", nargs="*", default=["all"], help="7, 07, nade, 07_nade, or all (default: all)")
    site.add_argument("--out", type=Path, default=Path("out/site"), help="folder for the site (default: out/site)")
    site.set_defaults(answer=_site)

    commands.add_parser("doctor", help="look for what is wrong, and say the fix").set_defaults(answer=_doctor)

    clean = commands.add_parser("clean", help="bring notebooks into the form in which they are kept")
    clean.add_argument("path", nargs="*", type=Path, help="notebooks or folders (default: all lessons)")
    clean.add_argument("--check", action="store_true", help="change nothing; fail if something would change")
    clean.set_defaults(answer=_clean)
    return parser, commands.choices


def _add_budget(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--budget", choices=settings.BUDGETS, help="how long it may run (default: COURSE_BUDGET, or lesson)")


def _lab(asked: argparse.Namespace) -> int:
    from course_lib.cli import lab

    return lab.open_lab(find(asked.lesson), asked.extra)


def _present(asked: argparse.Namespace) -> int:
    from course_lib.cli import present

    return present.present(find(asked.lesson), asked.extra)


def _slides(asked: argparse.Namespace) -> int:
    from course_lib.cli import slides

    return slides.write(_chosen(asked.lesson), asked.out)


def _list(asked: argparse.Namespace) -> int:
    from course_lib.cli import listing

    print("\n".join(listing.of_lessons()), "", sep="\n", flush=True)  # before the rest, which may take seconds
    print("\n".join(listing.of_the_rest()))
    return 0


def _run(asked: argparse.Namespace) -> int:
    from course_lib.cli import running

    return running.run(_chosen(asked.lesson), budget=checked(settings.budget, asked.budget), out=asked.out, jobs=asked.jobs)


def _chosen(names: Sequence[str]) -> list[Lesson]:
    """The lessons meant by these names, each once; all of them where "all" is the only name."""
    known = lessons()
    return known if list(names) == ["all"] else list(dict.fromkeys(find(name, known) for name in names))


def _release(asked: argparse.Namespace) -> int:
    from course_lib.cli import release

    return release.release(_chosen(asked.lesson), student=asked.student, instructor=asked.instructor)


def _site(asked: argparse.Namespace) -> int:
    try:
        from course_lib.cli.site import building
    except ModuleNotFoundError as error:
        fix = "python -m pip install -c constraints.txt -e . (in the folder of the clone)"
        raise Failed(f"the site needs the package {error.name}, which is not installed; fix: {fix}") from error
    return building.build(_chosen(asked.lesson), asked.out)


def _train(asked: argparse.Namespace) -> int:
    from course_lib.cli import train

    return train.train(
        asked.name,
        budget=checked(settings.budget, asked.budget),
        device=asked.device,
        ship=asked.ship,
        validate=asked.validate,
        anew=asked.anew,
    )


def _score(asked: argparse.Namespace) -> int:
    from course_lib.cli import score

    return score.score(
        asked.name,
        budget=checked(settings.budget, asked.budget),
        device=asked.device,
        out=asked.out,
        only_changed=asked.changed,
        check=asked.check,
    )


def _doctor(asked: argparse.Namespace) -> int:
    if hidden := shadows.hidden():  # what comes next imports such modules, and may fail by them
        raise Failed("\n".join(hidden))
    from course_lib.cli import first_look

    findings = []
    for finding in first_look.found_by(first_look.LOOKS):  # printed before torch is imported, which takes seconds
        findings.append(finding)
        print(finding, flush=True)
    from course_lib.cli import doctor

    for finding in first_look.found_by(doctor.later_looks()):
        findings.append(finding)
        print(finding, flush=True)
    report = doctor.Report(tuple(findings))
    print(report.verdict)
    return 0 if report.healthy else 1


def _clean(asked: argparse.Namespace) -> int:
    from course_lib.cli import normalise

    return normalise.clean(asked.path or [ROOT / "notebooks"], check=asked.check)
