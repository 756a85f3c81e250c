"""Puts the page's scripts, and its words in other languages, where the WebUI wants them, into the package as well."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent


class BuildWithScripts(build_py):
    """Builds the package with `t2c_ext/javascript` in it."""

    def run(self) -> None:
        """Build; an editable installation finds the scripts in the checkout."""
        super().run()
        if getattr(self, "editable_mode", False):
            return
        target = Path(self.build_lib) / "t2c_ext" / "javascript"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(ROOT / "javascript", target)
        shutil.copyfile(ROOT / "style.css", target / "style.css")
        words = Path(self.build_lib) / "t2c_ext" / "localizations"
        shutil.rmtree(words, ignore_errors=True)
        shutil.copytree(ROOT / "localizations", words)


setup(cmdclass={"build_py": BuildWithScripts})
