"""A save that a dying server wrote and did not flush: found again, acknowledged on the second try, then the power goes.

After a crash SQLite reads back what was written, flushed or not. Whoever then answers "stored already" promises what
only the kernel's memory holds, unless it was flushed first.
"""

import random

from tests.faults.audit import Audit
from tests.faults.disk_image import disk_image
from tests.faults.failing_disk import FDATASYNC, FailingDisk
from tests.faults.hall import open_hall
from tests.faults.inside.sitecustomize import DIE
from tests.faults.power_cuts import after_cut
from tests.faults.service import Warm, frozen, running
from tests.faults.trainees import Line, Trainee


def die_in_a_flush(*options: str) -> Audit:
    """Return what the disk holds after that; raise unless the save was refused first and acknowledged then."""
    with disk_image(96) as disk:
        hall = open_hall(disk.mounted, trainees=1, sittings=1)
        failing = FailingDisk(disk.mounted.parent / "faults")
        with running(Warm(hall, *options, environment=failing.environment)) as service:
            (seat,) = hall.seats[0]
            trainee, line = Trainee([seat], service.port, random.Random(1)), Line(service.port, 20.0)
            assert trainee.save(line, seat, 1)
            with failing.failing(FDATASYNC, DIE, 1.0):
                assert not trainee.save(line, seat, 2)
                service.wait()
            service.start()
            assert trainee.save(line, seat, 2)
            line.close()
            with frozen(service.processes()):
                return after_cut(disk, [trainee])
