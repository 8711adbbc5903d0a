"""How each Kafka client is told where the broker is and who we are: one configuration, three vocabularies."""

import ssl
from typing import Any

from pipeline.settings import Kafka, SettingsError

LARGEST_REQUEST = 5 * 1024 * 1024
"""Bytes: a record of 4 MiB and what surrounds it."""


def tls_context(given: Kafka) -> ssl.SSLContext | None:
    """What checks the broker's certificate and shows ours; None without TLS.

    Raises:
        SettingsError: a file of it cannot be read.
    """
    if not given.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=given.ca_file or None)
        if given.certificate_file:
            context.load_cert_chain(given.certificate_file, given.key_file or None)
    except OSError as error:
        raise SettingsError(f"kafka: the certificates cannot be read: {error}") from None
    return context


def _protocol(given: Kafka) -> str:
    return ("SASL_" if given.mechanism else "") + ("SSL" if given.tls else "PLAINTEXT")


def kafka_python(given: Kafka) -> dict[str, Any]:
    """Arguments of every kafka-python client."""
    arguments: dict[str, Any] = {
        "bootstrap_servers": given.bootstrap.split(","),
        "client_id": "wirewatch",
        "security_protocol": _protocol(given),
    }
    if given.tls:
        arguments["ssl_context"] = tls_context(given)
    if given.mechanism:
        arguments |= {
            "sasl_mechanism": given.mechanism,
            "sasl_plain_username": given.user,
            "sasl_plain_password": given.password,
        }
    return arguments


def aiokafka(given: Kafka) -> dict[str, Any]:
    """Arguments of every aiokafka client."""
    arguments = kafka_python(given)
    arguments["bootstrap_servers"] = given.bootstrap
    return arguments


def faust(given: Kafka) -> dict[str, Any]:
    """Settings of a Faust app."""
    import faust as module

    arguments: dict[str, Any] = {"broker": [f"kafka://{server}" for server in given.bootstrap.split(",")]}
    context = tls_context(given)
    if given.mechanism:
        arguments["broker_credentials"] = module.SASLCredentials(
            username=given.user, password=given.password, ssl_context=context, mechanism=given.mechanism
        )
    elif context:
        arguments["broker_credentials"] = context
    return arguments
