"""Commands, by subject; each wraps one verb and prints what came of it."""

from examapp.cli.accounts import centers, users
from examapp.cli.backup import backup, restore
from examapp.cli.banks import banks
from examapp.cli.credentials import keys, log, records
from examapp.cli.doctor import doctor
from examapp.cli.exams import calibrate, cut, exams, forms
from examapp.cli.items import items
from examapp.cli.load import load
from examapp.cli.operations import demo_service_command, run_due_once, serve, upgrade_database, worker
from examapp.cli.rosters import rosters

COMMANDS = (
    backup, banks, calibrate, centers, cut, demo_service_command, doctor, exams, forms, items, keys, load, log, records,
    restore, rosters, run_due_once, serve, upgrade_database, users, worker,
)  # fmt: skip
