# Follows topic wallet-events and keeps each wallet's newest balance. Needs confluent-kafka.
#
#     KAFKA_BROKERS=... KAFKA_TOPIC=wallet-events python3 consumer.py [--once]
import json
import os
import sys

from confluent_kafka import Consumer

source = os.environ.get("WALLET_SOURCE")  # "/wallet/<system identifier>/<database>", as in ce_source
once = "--once" in sys.argv  # ends where every partition has been read to its end
consumer = Consumer({
    "bootstrap.servers": os.environ["KAFKA_BROKERS"],
    "group.id": os.environ.get("KAFKA_GROUP_ID", "balances"),
    "isolation.level": "read_committed",  # what a transaction that failed left is not delivered
    "auto.offset.reset": "earliest",
    "enable.partition.eof": True,
})
consumer.subscribe([os.environ.get("KAFKA_TOPIC", "wallet-events")])

newest = {}  # wallet id -> its newest event
ended = set()
while not once or not ended or len(ended) < len(consumer.assignment()):
    record = consumer.poll(1.0)
    if record is None:
        continue
    if record.error():
        ended.add(record.partition())  # partition end
        continue
    headers = {name: (value or b"").decode() for name, value in record.headers() or []}
    if source and headers.get("ce_source") != source:
        continue  # another system writes to this topic too
    event = json.loads(record.value(), parse_float=str)
    before = newest.get(event["wallet_id"], {"version": -1})
    if event["version"] <= before["version"]:
        continue  # a second copy, after a crash or a backfill: the same event_id
    if event["version"] > before["version"] + 1:
        print("gap before", event["wallet_id"], event["version"], file=sys.stderr)
    newest[event["wallet_id"]] = event

for wallet_id, event in sorted(newest.items()):
    print(wallet_id, event["version"], event["balance"], event["currency"])
