"""Exercise grading: one module per lesson (`from course_lib.checks import lesson_07 as check`), one way to report."""
