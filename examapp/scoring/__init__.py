"""From responses to released results: marks, score rules, results, calibration runs, item analysis."""
