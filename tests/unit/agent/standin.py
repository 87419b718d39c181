"""A worker for the guardian's tests: a real heater on a PWM tree, a pump on a simulated bus, and bad habits on request.

`python -m tests.unit.agent.standin FOLDER PORT HABIT`; it writes its process id to FOLDER/worker once the heater is on.
"""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from vigilia.agent.ledger import Ledger
from vigilia.agent.outputs import Contact, Gear, Guard, make_outputs
from vigilia.agent.outputs.config import PwmConfig
from vigilia.agent.parts import Part
from vigilia.clock import Clock


class Nobody:
    """Hears nothing."""

    def changed(self, part: Part) -> None:
        pass

    def sampled(self, part: Part, samples: object) -> None:
        del part, samples


async def work(folder: Path, port: str, habit: str) -> int:
    guard = Guard.take(os.environ)
    ledger = Ledger(folder / "ledger.db")
    config = PwmConfig(name="heater", kind="pwm", max_on_s=0, chip=str(folder / "pwmchip0"), channel=0)
    (heater,) = make_outputs([config], lambda bus, address: sys.exit(9), Gear(guard, Contact(60), ledger, Clock()))
    guard.arm("acid", [["sim", f"127.0.0.1:{port}", 103, "58"]])
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    running = asyncio.create_task(heater.run(Nobody()))
    await heater.apply("Duty", 60.0)
    await heater.apply("Power", 1)
    (folder / "worker.new").write_text(str(os.getpid()))
    (folder / "worker.new").rename(folder / "worker")
    match habit:
        case "hangs":
            time.sleep(60)  # noqa: ASYNC251 - that is the habit
        case "babbles":
            os.write(int(guard._descriptor), b"no JSON\n")  # noqa: SLF001
        case "closes":
            guard.close()
            time.sleep(60)  # noqa: ASYNC251
        case "pins":
            guard.arm("lamp", [["gpio", 17, 1], ["sim", f"127.0.0.1:{port}", 103, "58"]])
        case "stays":
            asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        case _:
            pass
    gone = asyncio.create_task(guard.wait_gone())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({gone, stopped, running}, return_when=asyncio.FIRST_COMPLETED)
    for task in (gone, stopped, running):
        task.cancel()
    await asyncio.gather(gone, stopped, running, return_exceptions=True)
    await ledger.close()
    guard.bye()
    (folder / "left").write_text("yes")
    return 0


if __name__ == "__main__":
    if sys.argv[3].startswith("exits "):
        sys.exit(int(sys.argv[3].split()[1]))
    sys.exit(asyncio.run(work(Path(sys.argv[1]), sys.argv[2], sys.argv[3])))
