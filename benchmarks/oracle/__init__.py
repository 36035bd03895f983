"""Our numbers beside the reference's: one module per kind of case, each with `checks(folder, case)`."""
