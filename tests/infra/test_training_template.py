"""The stack that trains: made only if asked for, free when idle, open to nobody."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.config import ROOT, TRAINING_SIZES, TRAINING_STACK_NAME, Config
from infra.constructs.training import IMAGE_SOURCES
from infra.template import Template, synthesize
from watch_training.settings import Settings

CONTEXT = {"stage": "dev", "training": "true"}
COMPUTE = "AWS::Batch::ComputeEnvironment"
DEFINITION = "AWS::Batch::JobDefinition"
ADAPTER = "layers/core/python/triagelens/adapters/batch.py"


@pytest.fixture(scope="module")
def main(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The main stack of a deployment that trains."""
    return synthesize(tmp_path_factory.mktemp("cdk-training"), CONTEXT, check_rules=True)


@pytest.fixture(scope="module")
def training(main: Template) -> Template:
    return Template.read(main.folder, TRAINING_STACK_NAME)


def statements(template: Template, role: str) -> Iterator[tuple[set[str], str]]:
    """Actions and, as text, resources of each statement of the role whose logical id contains `role`."""
    role_id = template.logical_id("AWS::IAM::Role", role)
    for policy in template.of_type("AWS::IAM::Policy").values():
        if {"Ref": role_id} in policy["Roles"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                actions = statement["Action"]
                yield (
                    set(actions if isinstance(actions, list) else [actions]),
                    json.dumps(statement["Resource"]),
                )


def allowed(template: Template, role: str, marker: str) -> set[str]:
    return {
        action for actions, resource in statements(template, role) for action in actions if marker in resource
    }


def test_a_bare_deployment_has_no_second_stack_and_its_api_knows_of_no_queue(dev: Template) -> None:
    assert not (dev.folder / f"{TRAINING_STACK_NAME}.template.json").exists()
    environment = dev.function("clinic_api")["Environment"]["Variables"]
    assert not [name for name in environment if name.startswith(("TRAINING_", "INGEST_"))]
    assert "batch:" not in json.dumps(dev.body)


def test_no_finding_of_the_rules_is_left_open_and_nothing_is_looked_up(main: Template) -> None:
    report = json.loads((main.folder / "validation-report.json").read_text())
    [rules] = report["pluginReports"]
    assert rules["violations"] == []
    about = [v for v in rules["suppressedViolations"] if TRAINING_STACK_NAME in json.dumps(v)]
    assert about  # the rules did look here
    assert all(len(violation["reason"]) > 20 for violation in about)
    manifest = json.loads((main.folder / "manifest.json").read_text())
    assert not manifest.get("missing")
    assert manifest["artifacts"][TRAINING_STACK_NAME]["environment"] == "aws://unknown-account/unknown-region"


def test_gpus_are_tried_on_spot_first_and_cost_nothing_when_idle(training: Template) -> None:
    environments = training.of_type(COMPUTE)
    spot = training.logical_id(COMPUTE, "gpusspot")
    on_demand = training.logical_id(COMPUTE, "gpusondemand")
    queue = training.only("AWS::Batch::JobQueue", "trainingqueue")
    order = [entry["ComputeEnvironment"]["Fn::GetAtt"][0] for entry in queue["ComputeEnvironmentOrder"]]
    assert order == [spot, on_demand]
    resources = environments[spot]["ComputeResources"]
    assert (resources["Type"], resources["AllocationStrategy"]) == ("SPOT", "SPOT_CAPACITY_OPTIMIZED")
    assert environments[on_demand]["ComputeResources"]["Type"] == "EC2"
    for name in (spot, on_demand):
        resources = environments[name]["ComputeResources"]
        assert resources["MinvCpus"] == 0
        assert {kind.split(".")[0] for kind in resources["InstanceTypes"]} == {"g6", "g5", "g4dn"}
        assert resources["Ec2Configuration"] == [{"ImageType": "ECS_AL2023_NVIDIA"}]
    assert training.only(COMPUTE, "cpus")["ComputeResources"]["Type"] == "FARGATE"


def test_names_are_those_that_the_api_asks_for(main: Template, training: Template) -> None:
    environment = main.function("clinic_api")["Environment"]["Variables"]
    queues = {queue["JobQueueName"] for queue in training.of_type("AWS::Batch::JobQueue").values()}
    definitions = {made["JobDefinitionName"] for made in training.of_type(DEFINITION).values()}
    assert queues == {environment["TRAINING_QUEUE"], environment["INGEST_QUEUE"]}
    assert definitions == {environment["TRAINING_DEFINITION"], environment["INGEST_DEFINITION"]}
    watcher = training.function("watch_training")["Environment"]["Variables"]
    for name in ("TRAINING_QUEUE", "TRAINING_DEFINITION", "INGEST_QUEUE", "INGEST_DEFINITION"):
        assert watcher[name] == environment[name]


def test_only_a_lost_machine_starts_a_training_again_and_nothing_runs_for_ever(training: Template) -> None:
    definition = training.only(DEFINITION, "trainingdefinition")
    strategy = definition["RetryStrategy"]
    assert strategy["Attempts"] > 1
    assert strategy["EvaluateOnExit"] == [
        {"Action": "RETRY", "OnStatusReason": "Host EC2*"},
        {"Action": "EXIT", "OnReason": "*"},
        {"Action": "EXIT", "OnExitCode": "*"},
    ]
    for made in training.of_type(DEFINITION).values():
        assert 3600 <= made["Timeout"]["AttemptDurationSeconds"] <= 24 * 3600
    assert training.only(DEFINITION, "ingestdefinition")["RetryStrategy"]["Attempts"] == 1


def test_a_container_is_told_its_jobs_id_and_nothing_of_the_job(training: Template) -> None:
    for made in training.of_type(DEFINITION).values():
        container = made["ContainerProperties"]
        assert container["Command"] == ["run", "Ref::job_id"]
        assert list(made["Parameters"]) == ["job_id"]
        assert {entry["Name"] for entry in container["Environment"]} >= {
            "STAGE",
            "AWS_REGION",
            "REGISTRY_TABLE",
            "CASEWORK_TABLE",
            "LEARNING_BUCKET",
            "IMAGES_BUCKET",
            "MODELS_BUCKET",
        }
        group = container["LogConfiguration"]["Options"]["awslogs-group"]
        assert group == {"Ref": training.logical_id("AWS::Logs::LogGroup", "Machineslogs")}
    needs = training.only(DEFINITION, "trainingdefinition")["ContainerProperties"]["ResourceRequirements"]
    assert {"Type": "GPU", "Value": "1"} in needs


def test_nothing_comes_in_and_only_https_goes_out(training: Template) -> None:
    group = training.only("AWS::EC2::SecurityGroup", "securitygroup")
    assert not group.get("SecurityGroupIngress")
    assert [
        (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) for rule in group["SecurityGroupEgress"]
    ] == [("tcp", 443, 443)]
    assert not training.of_type("AWS::EC2::SecurityGroupIngress")


def test_there_is_no_nat_and_s3_and_dynamodb_are_reached_inside(training: Template) -> None:
    assert not training.of_type("AWS::EC2::NatGateway")
    endpoints = training.of_type("AWS::EC2::VPCEndpoint").values()
    assert {endpoint["VpcEndpointType"] for endpoint in endpoints} == {"Gateway"}
    services = [endpoint["ServiceName"]["Fn::Join"][1][-1] for endpoint in endpoints]
    assert sorted(services) == [".dynamodb", ".s3"]


def test_machines_keep_their_own_role_to_themselves_and_encrypt_their_disk(training: Template) -> None:
    [template] = training.of_type("AWS::EC2::LaunchTemplate").values()
    data = template["LaunchTemplateData"]
    assert data["MetadataOptions"] == {"HttpPutResponseHopLimit": 1, "HttpTokens": "required"}
    assert [disk["Ebs"]["Encrypted"] for disk in data["BlockDeviceMappings"]] == [True]


def test_a_training_reads_what_it_learns_from_and_writes_what_it_makes(training: Template) -> None:
    reads, writes = "s3:GetObject", "s3:PutObject"
    prefixes = (
        "/archives/*",
        "/datasets/*",
        "/snapshots/*",
        "/jobs/*",
        "/working/*",
        "/models/*",
        "/incoming/*",
    )

    def where(role: str, action: str) -> set[str]:
        return {prefix for prefix in prefixes if action in allowed(training, role, prefix)}

    assert where("Rolestraining", reads) == {
        "/datasets/*",
        "/snapshots/*",
        "/jobs/*",
        "/working/*",
        "/models/*",
        "/incoming/*",  # whether an attempt before it has handed its model over
    }
    assert where("Rolestraining", writes) == {"/jobs/*", "/incoming/*"}
    assert where("Rolesingest", reads) == {"/archives/*", "/datasets/*", "/snapshots/*", "/working/*"}
    assert where("Rolesingest", writes) == {"/datasets/*", "/snapshots/*"}


@pytest.mark.parametrize("role", ["Rolestraining", "Rolesingest"])
def test_no_job_reaches_originals_people_or_the_audit_trail(
    main: Template, training: Template, role: str
) -> None:
    whole = json.dumps(list(map(str, statements(training, role))))
    for kind, marker in (
        ("AWS::S3::Bucket", "Storageuploads"),
        ("AWS::KMS::Key", "originalskey"),
        ("AWS::DynamoDB::Table", "Storageusers"),
        ("AWS::DynamoDB::Table", "Storageaudit"),
    ):
        assert main.logical_id(kind, marker) not in whole
    actions = {action for found, _ in statements(training, role) for action in found}
    assert actions
    assert not [action for action in actions if "*" in action]
    assert "dynamodb:Scan" not in actions
    changes = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"}
    assert not changes & allowed(training, role, "Storagecasework")


@pytest.mark.parametrize("stack", ["main", "training"])
def test_who_submits_may_do_so_to_our_queues_alone(request: pytest.FixtureRequest, stack: str) -> None:
    template: Template = request.getfixturevalue(stack)
    role = "clinicapirole" if stack == "main" else "watchtrainingrole"
    found = {
        action: resource
        for actions, resource in statements(template, role)
        for action in actions
        if action.startswith("batch:")
    }
    assert set(found) == {"batch:SubmitJob", "batch:TerminateJob", "batch:DescribeJobs", "batch:ListJobs"}
    assert set(re.findall(r"(?:job-queue|job-definition)/([a-z-]+)", found["batch:SubmitJob"])) == {
        "triagelens-dev-training",
        "triagelens-dev-ingest",
    }
    assert ":job/*" in found["batch:TerminateJob"]
    calls = set(re.findall(r"_client\.([a-z_]+)\(", (ROOT / ADAPTER).read_text()))
    assert {"".join(part.capitalize() for part in call.split("_")) for call in calls} == {
        action.removeprefix("batch:") for action in found
    }


def test_the_watcher_hears_of_our_queues_and_sweeps(training: Template) -> None:
    pattern = training.only("AWS::Events::Rule", "statechange")["EventPattern"]
    assert pattern["source"] == ["aws.batch"]
    assert pattern["detail-type"] == ["Batch Job State Change"]
    assert {"FAILED", "SUCCEEDED"} <= set(pattern["detail"]["status"])
    queues = {entry["Fn::GetAtt"][0] for entry in pattern["detail"]["jobQueue"]}
    assert queues == set(training.of_type("AWS::Batch::JobQueue"))
    assert training.only("AWS::Events::Rule", "sweep")["ScheduleExpression"] == "rate(5 minutes)"
    target = training.logical_id("AWS::Lambda::Function", "watchtraining")
    for rule in training.of_type("AWS::Events::Rule").values():
        assert [entry["Arn"]["Fn::GetAtt"][0] for entry in rule["Targets"]] == [target]


def test_the_watcher_is_given_every_setting_that_it_asks_for(training: Template) -> None:
    assert list(TRAINING_SIZES) == ["watch_training"]
    given = set(training.function("watch_training")["Environment"]["Variables"])
    assert {name.upper() for name in Settings.model_fields} - {"AWS_REGION"} <= given


def image(main: Template) -> dict[str, Any]:
    assets = json.loads((main.folder / f"{TRAINING_STACK_NAME}.assets.json").read_text())
    [found] = assets["dockerImages"].values()
    source: dict[str, Any] = found["source"]
    return source


def test_docker_is_sent_what_the_image_is_made_of_and_nothing_else(main: Template) -> None:
    folder = main.folder / image(main)["directory"]
    sent = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {
        "training_job/Dockerfile",
        "training_job/__main__.py",
        "training_job/phantoms/skin.py",
        "layers/core/python/triagelens/domain/training_jobs.py",
        "requirements/training.txt",
    } <= sent
    assert all(path.startswith(IMAGE_SOURCES) for path in sent)
    assert not [path for path in sent if "__pycache__" in path]
    assert image(main)["platform"] == "linux/amd64"


def test_the_image_copies_only_what_it_is_sent_and_locks_what_it_installs() -> None:
    lines = (ROOT / "training_job/Dockerfile").read_text().replace("\\\n", " ").splitlines()
    copied = [line.split()[1] for line in lines if line.startswith("COPY")]
    assert sorted(copied) == sorted(IMAGE_SOURCES)
    assert all((ROOT / source).exists() for source in copied)
    [install] = [line for line in lines if "pip install" in line]
    assert "--require-hashes" in install
    assert not [line for line in lines if "index-url" in line or "http" in line]
    users = [line.split()[1] for line in lines if line.startswith("USER")]
    assert users
    assert users[-1] not in ("0", "root")
    assert lines.index(f"USER {users[-1]}") < lines.index('ENTRYPOINT ["python", "-m", "training_job"]')


def test_another_base_image_and_another_price_can_be_asked_for(tmp_path: Path) -> None:
    context = {**CONTEXT, "training_base_image": "base.example/pytorch:1", "training_usd_per_hour": "0.8"}
    made = synthesize(tmp_path, context)
    assert image(made)["dockerBuildArgs"] == {"BASE": "base.example/pytorch:1"}
    assert made.function("clinic_api")["Environment"]["Variables"]["TRAINING_USD_PER_HOUR"] == "0.8"


class Tree:
    """A construct tree that has nothing but a context."""

    def __init__(self, **context: str) -> None:
        self._context = context

    def try_get_context(self, key: str) -> object:
        return self._context.get(key)


@pytest.mark.parametrize(
    "context",
    [
        {"stage": "laptop", "endpoint": "http://localhost:4566", "training": "true"},
        {"training": "perhaps"},
        {"training_usd_per_hour": "-1"},
        {"training_usd_per_hour": "much"},
        {"training_usd_per_hour": "nan"},
    ],
)
def test_a_mistaken_context_is_refused(context: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"laptop|training"):
        Config.from_context(Tree(**context))


def test_prod_keeps_its_logs(tmp_path: Path) -> None:
    synthesize(tmp_path, {"stage": "prod", "training": "true"})
    prod = Template.read(tmp_path, TRAINING_STACK_NAME)
    group = prod.body["Resources"][prod.logical_id("AWS::Logs::LogGroup", "Machineslogs")]
    assert group["DeletionPolicy"] == "Retain"
    assert group["Properties"]["LogGroupName"] == "/triagelens/prod/training"
