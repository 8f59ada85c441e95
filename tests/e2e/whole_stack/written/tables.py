"""What of the documentation's commands is not typed, and what is typed in another way."""

from collections.abc import Mapping

# Page -> command -> why nothing carries it out here.
NOT_RUN: Mapping[str, Mapping[str, str]] = {
    "README.md": {
        "make demo": "tests/e2e/test_demo.py runs its module, which tests/unit/local/test_makefile.py shows",
        "make demo IMAGE=path/to/photo.jpg SPECIALTY=skin": "tests/e2e/test_demo.py runs its module",
        "make down": "tests/e2e/test_laptop_cloud.py stops a cloud",
        "make test": "CI runs it",
        "make deploy STAGE=dev": "it needs an account; tests/infra synthesizes the stage",
        "source .venv/bin/activate": "a reader of these tests has the same folder on the path",
        'eval "$(python -m infra.local env)"': "a reader of these tests has the same variables",
    },
    "ham10000.md": {
        "make .venv-training/ready": "`make test-e2e` begins with it, and the page's other commands use it",
    },
    "training.md": {
        "make .venv-training/ready": "`make test-e2e` begins with it, and the page's other commands use it",
        "torchrun --standalone --nproc-per-node=4 -m training_job train --data-dir D --batch-size 128": (
            "it needs four graphics cards; tests/training/test_several_processes.py is two processes without"
        ),
        "make deploy WITH_TRAINING=true": "it needs an account and Docker; tests/infra synthesizes the stack",
        "aws ecr get-login-password --region us-east-1 | docker login --username AWS --password-stdin "
        "763104351884.dkr.ecr.us-east-1.amazonaws.com": "it needs an account and Docker",
    },
}

_SMALL = "test_efficientnet"
# Page -> what is written -> what is typed. Ids and names that a test prepares stand in the test.
TYPED_INSTEAD: Mapping[str, Mapping[str, str]] = {
    # Another version than that of docs/models.md, for another specialty.
    "README.md": {"activate skin 1.0.0": "activate oral readme-1"},
    "ham10000.md": {
        # Hours on a laptop; weights from a hub need the network.
        "--architecture DenseNet169 --epochs 30": f"--architecture {_SMALL} --epochs 1",
        "--base-model timm ": "",
        "--arch DenseNet169 --weights timm --epochs 30": f"--arch {_SMALL} --epochs 1",
    },
    "ingestion.md": {"--arch DenseNet169": f"--arch {_SMALL} --epochs 1"},
    "training.md": {"--arch DenseNet169 --epochs 30": f"--arch {_SMALL} --epochs 1"},
    "models.md": {
        # The gate says nothing of a model that nobody has images for, so a promotion wants a reason.
        "promote skin 2.0.0": 'promote skin 2.0.0 --reason "tried on phantoms"',
    },
}
