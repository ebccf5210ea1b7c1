# SPDX-License-Identifier: MIT
"""Writes service_endpoints.json or query_endpoints.json: the hosts of AWS's services, by botocore's endpoint rules.

    PYTHONPATH=DIRECTORY tests/python tests/vectors/generate_service_endpoints.py FILE

DIRECTORY contains botocore, and FILE is one of the two names. The file has a row for every region of botocore's
partitions, and for one region that botocore does not know. A row has the hosts with every variant (dual-stack, FIPS).
"""
import json
import pathlib
import sys

import botocore
from botocore.endpoint_provider import EndpointProvider
from botocore.loaders import Loader

HERE = pathlib.Path(__file__).resolve().parent
ABOUT = {
    "service_endpoints.json": (
        "Hosts of STS, SSO, SSO's OIDC and sign-in for every region, by botocore's endpoint rules. \"hosts\" are "
        "those without a variant, with dual-stack, with FIPS, and with both; \"legacy\" is the host of STS with "
        "sts_regional_endpoints = legacy, and the region that a request to it is signed for. Written by "
        "generate_service_endpoints.py."),
    "query_endpoints.json": (
        "Hosts of RDS and IAM for every region, by botocore's endpoint rules. \"hosts\" are those without a variant, with "
        "dual-stack, with FIPS, and with both; \"signed_for\" are the regions that requests to these hosts are signed "
        "for. Written by generate_service_endpoints.py."),
}
SERVICES = {
    "service_endpoints.json": ("sts", "sso", "sso-oidc", "signin"),
    "query_endpoints.json": ("rds", "iam"),
}
UNKNOWN = "xx-new-1"


def resolve(provider, region, **parameters):
    endpoint = provider.resolve_endpoint(
        Region=region, **{"UseFIPS": False, "UseDualStack": False, **parameters})
    schemes = endpoint.properties.get("authSchemes") or [{}]
    return endpoint.url.removeprefix("https://"), schemes[0].get("signingRegion", region)


def rows(services):
    loader = Loader()
    partitions = loader.load_data("partitions")
    regions = [region for partition in partitions["partitions"] for region in partition["regions"]
               if not region.endswith("-global")]
    for service in services:
        provider = EndpointProvider(
            loader.load_service_model(service, "endpoint-rule-set-1"), partitions)
        for region in [*regions, UNKNOWN]:
            found = [resolve(provider, region, UseFIPS=fips, UseDualStack=dual)
                     for fips in (False, True) for dual in (False, True)]
            hosts, signed_for = [list(each) for each in zip(*found)]
            row = {"service": service.upper().replace("-", "_"), "region": region, "hosts": hosts}
            if services == SERVICES["query_endpoints.json"]:
                row["signed_for"] = signed_for
            if service == "sts":
                row["legacy"] = resolve(provider, region, UseGlobalEndpoint=True)
            yield row


def main():
    name = sys.argv[1]
    lines = [json.dumps(row) for row in rows(SERVICES[name])]
    head = json.dumps({"about": ABOUT[name], "botocore": botocore.__version__, "rows": []}, indent=1)[:-4]
    (HERE / name).write_text(head + "[\n  " + ",\n  ".join(lines) + "\n ]\n}\n", encoding="ascii")


if __name__ == "__main__":
    main()
