"""The examiner's pages: banks and items, exams and forms, results and their release."""

from examapp.web.examiner import banks, exams, results

BLUEPRINTS = (banks.bp, exams.bp, results.bp)
