#!/usr/bin/python3
"""Reads what docker-compose made of docker/compose.yaml: for scripts/docker/check.

    compose.py RENDERED CHECK             pinned, loopback, confined, mounts, monitoring
    compose.py RENDERED services IMAGE    the services that run an image
    compose.py RENDERED environment NAME  a service's variables, NAME=VALUE a line
    compose.py RENDERED kafka             the broker's properties, name=value a line

A check prints what is wrong, a line each, and then fails.
"""
import os
import re
import sys

import yaml

# What the official Kafka image takes for itself, and where only that image has a folder.
NOT_PROPERTIES = {"KAFKA_HEAP_OPTS", "KAFKA_LOG_DIRS"}


def volumes(service):
    """(source, target) of each volume and mount."""
    for volume in service.get("volumes", []):
        if isinstance(volume, dict):
            yield volume["source"], volume["target"]
        else:
            source, target, *_ = volume.split(":")
            yield source, target


def binds(service):
    return [(source, target) for source, target in volumes(service) if source.startswith("/")]


def pinned(services):
    for name, service in services.items():
        tag = service["image"].rpartition(":")[2]
        if "build" not in service and tag != "local" and not re.search(r"\d+\.\d+\.\d+", tag):
            yield f"{name}: {service['image']} names no version"


def loopback(services):
    for name, service in services.items():
        for port in service.get("ports", []):
            address = port.get("host_ip") if isinstance(port, dict) else port.rpartition(":")[0]
            if not str(address).startswith("127.0.0.1"):
                yield f"{name}: port {port} is open to other machines"


def confined(services):
    for name, service in services.items():
        if service.get("cap_drop") != ["ALL"]:
            yield f"{name}: keeps capabilities"
        if "no-new-privileges:true" not in service.get("security_opt", []):
            yield f"{name}: may gain privileges"
        if name != "kafka" and not service.get("read_only"):
            yield f"{name}: can write to its root file system"
        if service.get("user") in ("root", "0") or service.get("privileged"):
            yield f"{name}: runs as root"
        if "restart" not in service:
            yield f"{name}: has no restart policy"


def mounts(services):
    for name, service in services.items():
        for source, _ in binds(service):
            if not os.path.exists(source):
                yield f"{name}: {os.path.relpath(source)} does not exist"
            elif os.path.isdir(source) and not os.listdir(source):
                yield f"{name}: {os.path.relpath(source)} is empty"


def load(path):
    with open(path, encoding="utf-8") as file:
        return yaml.safe_load(file)


def container_path(service, path):
    """The file here that a container finds under a path, or None."""
    for source, target in binds(service):
        if path == target or path.startswith(target + "/"):
            return source + path[len(target):]
    return None


def monitoring(services):
    """What Prometheus and Grafana read names services, ports and folders that there are."""
    prometheus = container_path(services["prometheus"], "/etc/prometheus/prometheus.yml")
    if not os.path.exists(prometheus):
        yield "there is no prometheus.yml"
        return
    config = load(prometheus)
    for job in config["scrape_configs"]:
        for target in (t for group in job["static_configs"] for t in group["targets"]):
            host = target.partition(":")[0]
            if host not in services and host != "localhost":
                yield f"prometheus.yml: {target} is no service"
    for rules in config.get("rule_files", []):
        path = os.path.join("/etc/prometheus", rules)
        if not os.path.exists(container_path(services["prometheus"], path) or ""):
            yield f"prometheus.yml: rule file {rules} is not mounted"
    yield from grafana(services)


def grafana(services):
    root = container_path(services["grafana"], "/etc/grafana/provisioning")
    found = {"providers": 0, "datasources": 0}
    for folder, _, files in os.walk(root):
        for file in (f for f in files if f.endswith((".yml", ".yaml"))):
            config = load(os.path.join(folder, file))
            for provider in config.get("providers", []):
                found["providers"] += 1
                path = container_path(services["grafana"], provider["options"]["path"])
                if path is None or not os.path.isdir(path):
                    yield f"{file}: {provider['options']['path']} is not mounted"
            for source in config.get("datasources", []):
                found["datasources"] += 1
                if source["url"] != "http://prometheus:9090":
                    yield f"{file}: {source['url']} is not the Prometheus here"
    yield from (f"grafana: no {kind}" for kind, count in found.items() if count == 0)


def environment(service):
    variables = service.get("environment", {})
    return [f"{name}={value}" for name, value in variables.items() if value not in (None, "")]


def kafka(services):
    for line in environment(services["kafka"]):
        name, _, value = line.partition("=")
        if name.startswith("KAFKA_") and name not in NOT_PROPERTIES:
            yield name[len("KAFKA_"):].lower().replace("_", ".") + "=" + value


def main():
    rendered, verb, *arguments = sys.argv[1:]
    services = load(rendered)["services"]
    checks = {f.__name__: f for f in (pinned, loopback, confined, mounts, monitoring)}
    if verb in checks:
        wrong = list(checks[verb](services))
        print("\n".join(wrong))
        sys.exit(1 if wrong else 0)
    lines = {
        "services": lambda image: [n for n, s in services.items() if s["image"] == image],
        "environment": lambda name: environment(services[name]),
        "kafka": lambda: kafka(services),
    }[verb](*arguments)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
