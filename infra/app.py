"""The CDK application: `python -m infra.app`, run by the CDK command line (cdk.json).

Nothing is looked up in an account, so a template is made without credentials.
"""

from aws_cdk import App

from infra.config import Config
from infra.stack import TriagelensStack
from infra.training_stack import TrainingStack


def assemble(app: App) -> TriagelensStack:
    """Fill the application with what its context asks for."""
    config = Config.from_context(app.node)
    stack = TriagelensStack(app, config)
    if config.training:
        TrainingStack(app, config, stack.storage)
    return stack


def main() -> None:
    app = App()
    assemble(app)
    app.synth()


if __name__ == "__main__":
    main()
