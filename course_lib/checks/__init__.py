"""Exercise grading: one module a lesson (`from course_lib.checks import lesson_07 as check`), one way to report."""
