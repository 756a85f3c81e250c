"""The host's state and options."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

device = "cpu"
opts: Any = SimpleNamespace(
    use_old_scheduling=False,
    data={},
    outdir_samples="",
    outdir_txt2img_samples="",
    outdir_grids="",
    outdir_txt2img_grids="",
    sd_model_checkpoint="tiny",
    samples_filename_pattern="",
    save_images_replace_action="Replace",
    save_txt=False,
    interrupt_after_current=True,
)
cmd_opts: Any = SimpleNamespace()
sd_model: Any = None
demo: Any = None


class State:
    """What the progress bar shows, and what the buttons set."""

    interrupted = False
    skipped = False
    stopping_generation = False
    job_count = -1
    job_no = 0
    sampling_step = sampling_steps = 0
    textinfo = None
    current_latent: Any = None
    job = ""

    def begin(self, job: str = "(unknown)") -> None:
        self.job, self.job_count, self.job_no = job, -1, 0
        self.sampling_step, self.textinfo = 0, None
        self.interrupted = self.skipped = self.stopping_generation = False

    def end(self) -> None:
        self.job, self.job_count = "", 0

    def nextjob(self) -> None:
        self.job_no += 1
        self.sampling_step = 0

    def skip(self) -> None:
        self.skipped = True

    def interrupt(self) -> None:
        self.interrupted = True

    def stop_generating(self) -> None:
        self.stopping_generation = True

    def press_interrupt(self) -> None:
        """What the page's button does."""
        if not self.stopping_generation and self.job_count > 1 and opts.interrupt_after_current:
            self.stop_generating()
        else:
            self.interrupt()


state = State()
