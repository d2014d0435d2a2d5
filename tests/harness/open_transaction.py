#!/usr/bin/python3
"""Holds a Kafka transaction open that has written to every partition of a topic, as a producer that died does.

    open_transaction.py BROKERS TOPIC

Prints "open" when it is, and aborts it when standard input ends.
"""

import sys

from confluent_kafka import Producer

TIMEOUT_S = 60


def main(brokers, topic):
    producer = Producer({"bootstrap.servers": brokers, "transactional.id": f"open-{topic}", "transaction.timeout.ms": 600000})
    producer.init_transactions(TIMEOUT_S)
    producer.begin_transaction()
    for partition in producer.list_topics(topic, TIMEOUT_S).topics[topic].partitions:
        producer.produce(topic, value=b"never", key=b"never", partition=partition)
    producer.flush(TIMEOUT_S)
    print("open", flush=True)
    sys.stdin.read()
    producer.abort_transaction(TIMEOUT_S)


if __name__ == "__main__":
    main(*sys.argv[1:])
