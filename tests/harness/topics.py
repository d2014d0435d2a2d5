#!/usr/bin/python3
"""Makes and changes topics, for which Kafka's own tools take seconds each.

    topics.py BROKERS create TOPIC PARTITIONS [NAME=VALUE ...]
    topics.py BROKERS grow TOPIC PARTITIONS
    topics.py BROKERS set TOPIC NAME=VALUE ...
    topics.py BROKERS delete TOPIC
"""

import sys

from confluent_kafka.admin import AdminClient, ConfigResource, ConfigSource, NewPartitions, NewTopic

TIMEOUT_S = 60


def settings_of(words):
    return dict(word.split("=", 1) for word in words)


def value_of(futures):
    (future,) = futures.values()
    return future.result(TIMEOUT_S)


def settings_change(client, topic, changed):
    """What was set before stays: a change replaces everything that is set."""
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    known = value_of(client.describe_configs([resource]))
    settings = {
        name: entry.value
        for name, entry in known.items()
        if entry.source == ConfigSource.DYNAMIC_TOPIC_CONFIG.value
    }
    return client.alter_configs([ConfigResource(ConfigResource.Type.TOPIC, topic, set_config={**settings, **changed})])


def main(brokers, what, topic, *words):
    client = AdminClient({"bootstrap.servers": brokers})
    if what == "create":
        new = NewTopic(topic, int(words[0]), replication_factor=1, config=settings_of(words[1:]))
        futures = client.create_topics([new])
    elif what == "grow":
        futures = client.create_partitions([NewPartitions(topic, int(words[0]))])
    elif what == "set":
        futures = settings_change(client, topic, settings_of(words))
    elif what == "delete":
        futures = client.delete_topics([topic])
    else:
        sys.exit(f"what is {what}?")
    value_of(futures)


main(*sys.argv[1:])
