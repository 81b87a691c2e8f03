"""On PYTHONPATH and with PRETEND_CUDA=1: every notebook kernel that starts has the pretended CUDA device."""

import os
import sys

if os.environ.get("PRETEND_CUDA") == "1" and "ipykernel_launcher" in " ".join(sys.orig_argv):
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    import pretend_cuda

    pretend_cuda.install()
