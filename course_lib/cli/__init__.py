"""The `course` command: open, list, run, train, check and tidy the lessons."""

from course_lib.cli.command import main

__all__ = ["main"]
