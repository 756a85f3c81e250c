"""Hands over to the package beside this folder."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

try:
    from t2c_ext.webui.absent import refuse_missing

    refuse_missing()
    from t2c_ext.webui.register import register
    from t2c_ext.webui.script import CinemagraphScript
except Exception as error:  # a package that was built for another one raises nearly anything
    from t2c_ext.webui.absent import script_without

    CinemagraphScript = script_without(error)
else:
    register()
