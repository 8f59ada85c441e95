"""Queues, triggers and functions as they will be made."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.config import CLOUD_SIZES, LEFT_OUT_OF_LAPTOP, MAX_RECEIVE_COUNT
from infra.constructs.bundle import Bundle
from infra.constructs.webhooks import MAX_RECEIVES
from infra.template import Template, synthesize

WORKERS = {
    "quality": "check_quality",
    "inference": "run_inference",
    "registration": "register_model",
    "review": "rank_cases",
    "replay": "replay_model",
    "reports": "render_report",
    "notifications": "notify",
    "webhooks": "deliver_webhooks",
    "erasure": "erase_patient",
    "exports": "export_records",
}


def test_every_queue_has_a_dead_letter_queue_and_is_encrypted_by_sqs(dev: Template) -> None:
    queues = dev.of_type("AWS::SQS::Queue")
    for name, queue in queues.items():
        assert queue["SqsManagedSseEnabled"]  # S3 cannot notify a queue under the managed KMS key
        is_dlq = "RedrivePolicy" not in queue
        assert is_dlq == ("dlq" in name)
        assert (queue["MessageRetentionPeriod"] == 14 * 24 * 3600) == is_dlq
    for name in WORKERS:
        redrive = dev.only("AWS::SQS::Queue", f"{name}queue")["RedrivePolicy"]
        assert redrive["maxReceiveCount"] == (MAX_RECEIVES if name == "webhooks" else MAX_RECEIVE_COUNT)
        dlq = redrive["deadLetterTargetArn"]["Fn::GetAtt"][0]
        assert dlq == dev.logical_id("AWS::SQS::Queue", f"{name}dlq")


@pytest.mark.parametrize(("name", "package"), WORKERS.items())
def test_a_message_hides_for_six_timeouts_of_its_worker(dev: Template, name: str, package: str) -> None:
    hidden = dev.only("AWS::SQS::Queue", f"{name}queue")["VisibilityTimeout"]
    assert hidden >= 6 * dev.function(package)["Timeout"]


@pytest.mark.parametrize("stage", ["dev", "laptop"])
@pytest.mark.parametrize(("name", "package"), WORKERS.items())
def test_a_worker_reports_each_failed_message_and_is_held_back(
    template_of: Callable[[str], Template], stage: str, name: str, package: str
) -> None:
    template = template_of(stage)
    queue = template.logical_id("AWS::SQS::Queue", f"{name}queue")
    [mapping] = [
        mapping
        for mapping in template.of_type("AWS::Lambda::EventSourceMapping").values()
        if mapping["EventSourceArn"] == {"Fn::GetAtt": [queue, "Arn"]}
    ]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    at_once = mapping["ScalingConfig"]["MaximumConcurrency"]
    assert at_once >= 2
    if stage == "dev":
        assert template.function(package)["ReservedConcurrentExecutions"] >= at_once


def test_s3_tells_the_queues_itself(dev: Template) -> None:
    assert not dev.of_type("Custom::S3BucketNotifications")
    for bucket, queue, rules in [
        ("uploads", "quality", [{"Name": "prefix", "Value": "uploads/"}]),
        (
            "models",
            "registration",
            [{"Name": "prefix", "Value": "incoming/"}, {"Name": "suffix", "Value": "/manifest.json"}],
        ),
    ]:
        notification = dev.only("AWS::S3::Bucket", f"Storage{bucket}")["NotificationConfiguration"]
        [configuration] = notification["QueueConfigurations"]
        queue_id = dev.logical_id("AWS::SQS::Queue", f"{queue}queue")
        assert configuration["Event"] == "s3:ObjectCreated:*"
        assert configuration["Queue"] == {"Fn::GetAtt": [queue_id, "Arn"]}
        assert configuration["Filter"]["S3Key"]["Rules"] == rules


def test_a_bucket_waits_for_the_policy_of_the_queue_that_it_tells(dev: Template) -> None:
    for bucket, queue in [("uploads", "quality"), ("models", "registration")]:
        policy_id = dev.logical_id("AWS::SQS::QueuePolicy", f"{queue}queue")
        bucket_id = dev.logical_id("AWS::S3::Bucket", f"Storage{bucket}")
        assert policy_id in dev.body["Resources"][bucket_id]["DependsOn"]
        policy = dev.of_type("AWS::SQS::QueuePolicy")[policy_id]["PolicyDocument"]["Statement"]
        [allowed] = [statement for statement in policy if statement["Effect"] == "Allow"]
        assert allowed["Principal"] == {"Service": "s3.amazonaws.com"}
        assert allowed["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


@pytest.mark.parametrize(
    ("package", "dead_letters", "kinds"),
    [
        ("publishevents", "eventsdlq", ["IMG#", "CASE#", "REPORT#"]),  # a patient is no event
        ("countrecords", "countsdlq", ["IMG#", "CASE#", "PAT#", "REPORT#"]),
    ],
)
def test_the_stream_brings_only_changes_of_records_and_loses_none(
    dev: Template, package: str, dead_letters: str, kinds: list[str]
) -> None:
    function = dev.logical_id("AWS::Lambda::Function", package)
    [mapping] = [
        mapping
        for mapping in dev.of_type("AWS::Lambda::EventSourceMapping").values()
        if mapping["FunctionName"] == {"Ref": function}
    ]
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert mapping["BisectBatchOnFunctionError"]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    dlq = dev.logical_id("AWS::SQS::Queue", dead_letters)
    assert mapping["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": [dlq, "Arn"]}
    assert "MaximumRetryAttempts" not in mapping  # as often as the stream keeps a record
    assert mapping["MaximumRecordAgeInSeconds"] == 20 * 3600
    [pattern] = [json.loads(filtered["Pattern"]) for filtered in mapping["FilterCriteria"]["Filters"]]
    records = [{"prefix": kind} for kind in kinds]
    assert pattern == {"dynamodb": {"Keys": {"pk": {"S": records}, "sk": {"S": ["META"]}}}}


def test_dead_letters_are_read_every_five_minutes_and_left_where_they_are(dev: Template) -> None:
    function = dev.logical_id("AWS::Lambda::Function", "markdeadletters")
    [rule] = [
        rule
        for rule in dev.of_type("AWS::Events::Rule").values()
        if rule["Targets"][0]["Arn"] == {"Fn::GetAtt": [function, "Arn"]}
    ]
    assert rule["ScheduleExpression"] == "rate(5 minutes)"
    actions = {action for found, _ in dev.statements("mark_dead_letters") for action in found}
    assert {action for action in actions if action.startswith("sqs:")} == {"sqs:ReceiveMessage"}


@pytest.mark.parametrize("package", CLOUD_SIZES)
def test_a_function_runs_on_arm_with_its_own_role_and_a_log_that_ends(dev: Template, package: str) -> None:
    function = dev.function(package)
    assert function["Architectures"] == ["arm64"]
    assert function["Runtime"] == "python3.13"
    assert function["TracingConfig"] == {"Mode": "Active"}
    log_group = dev.of_type("AWS::Logs::LogGroup")[function["LoggingConfig"]["LogGroup"]["Ref"]]
    assert log_group["RetentionInDays"] > 0
    roles = [f["Role"]["Fn::GetAtt"][0] for f in dev.of_type("AWS::Lambda::Function").values()]
    assert len(set(roles)) == len(roles) == len(CLOUD_SIZES)


def test_inference_takes_as_many_threads_as_its_memory_brings_cpus(dev: Template) -> None:
    function = dev.function("run_inference")
    threads = str(max(1, function["MemorySize"] // 1769))
    assert function["Environment"]["Variables"]["ORT_THREADS"] == threads
    assert function["Environment"]["Variables"]["OMP_NUM_THREADS"] == threads


def test_the_quality_check_has_room_for_a_photo_of_fifty_megapixels(dev: Template) -> None:
    assert dev.function("check_quality")["MemorySize"] >= 2 * 512


def test_the_api_function_starts_from_a_snapshot(dev: Template) -> None:
    assert dev.function("clinic_api")["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    [alias] = dev.of_type("AWS::Lambda::Alias").values()
    assert alias["FunctionName"]["Ref"] == dev.logical_id("AWS::Lambda::Function", "clinicapi")


def test_the_api_serves_a_new_version_when_nothing_but_a_layer_has_changed(
    dev: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed(bundle: Bundle) -> str:
        return "0" * 64 if bundle.name == "layer-core" else key(bundle)

    key = vars(Bundle)["key"].fget
    monkeypatch.setattr(Bundle, "key", property(changed))
    later = synthesize(tmp_path, {"stage": "dev"})
    assert later.function("clinic_api")["Code"] == dev.function("clinic_api")["Code"]
    [before], [after] = dev.of_type("AWS::Lambda::Version"), later.of_type("AWS::Lambda::Version")
    assert before != after


def test_every_dead_letter_queue_and_slow_queue_and_failing_function_raises_an_alarm(dev: Template) -> None:
    alarms = dev.of_type("AWS::CloudWatch::Alarm").values()
    topic = {"Ref": dev.logical_id("AWS::SNS::Topic", "alarms")}
    watched = {
        (alarm["MetricName"], json.dumps(dimension["Value"], sort_keys=True))
        for alarm in alarms
        for dimension in alarm.get("Dimensions", [])
    }
    assert all(alarm["AlarmActions"] == [topic] for alarm in alarms)
    for name, _ in dev.of_type("AWS::SQS::Queue").items():
        value = json.dumps({"Fn::GetAtt": [name, "QueueName"]})
        metric = "NumberOfMessagesVisible" if "dlq" in name else "AgeOfOldestMessage"
        assert (f"Approximate{metric}", value) in watched
    says_no_by_raising = dev.logical_id("AWS::Lambda::Function", "migrateuser")
    for name in set(dev.of_type("AWS::Lambda::Function")) - {says_no_by_raising}:
        assert ("Errors", json.dumps({"Ref": name})) in watched
    assert any(metric == "MigrationFault" for metric, _ in watched)
    assert any(metric == "5XXError" for metric, _ in watched)
    [dashboard] = dev.of_type("AWS::CloudWatch::Dashboard").values()
    shown = json.dumps(dashboard["DashboardBody"])
    for metric in ("ImageRejected", "ImageAnalyzed", "failure.no_model", "IteratorAge", "5XXError"):
        assert metric in shown


def test_reserved_concurrency_can_be_left_out_for_a_small_account(
    template_of: Callable[[str], Template],
) -> None:
    assert "ReservedConcurrentExecutions" not in template_of("laptop").function("check_quality")
    assert "reserved_concurrency" in LEFT_OUT_OF_LAPTOP


def test_the_review_queue_hears_of_what_changes_it(dev: Template) -> None:
    rule = dev.only("AWS::Events::Rule", "rankedevents")
    assert set(rule["EventPattern"]["detail-type"]) == {
        "image.analyzed",
        "case.created",
        "case.amended",
        "case.rejected",
    }
    assert rule["EventPattern"]["source"] == ["triagelens"]
    queue = dev.logical_id("AWS::SQS::Queue", "reviewqueue")
    assert [target["Arn"] for target in rule["Targets"]] == [{"Fn::GetAtt": [queue, "Arn"]}]
