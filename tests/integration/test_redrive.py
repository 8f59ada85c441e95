"""A dead-letter queue is emptied into its queue."""

from infra.redrive import redrive
from tests.cloud import Cloud


def test_every_dead_message_goes_back_once(cloud: Cloud) -> None:
    dlq = cloud.sqs.create_queue(QueueName="dead")["QueueUrl"]
    for number in range(23):
        cloud.sqs.send_message(QueueUrl=dlq, MessageBody=str(number))
    assert redrive(cloud.sqs, dlq, cloud.queue_urls["quality"]) == 23
    assert sorted(cloud.waiting("quality"), key=int) == [str(number) for number in range(23)]
    assert redrive(cloud.sqs, dlq, cloud.queue_urls["quality"]) == 0
