"""One sitting: its journal, its clock, its paper, and the verbs that a trainee and an invigilator use on it."""
