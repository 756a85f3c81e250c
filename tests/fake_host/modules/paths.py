"""Where the host's files lie."""

import tempfile

data_path = tempfile.mkdtemp(prefix="fake-host-")
models_path = data_path
