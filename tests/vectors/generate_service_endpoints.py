# SPDX-License-Identifier: MIT
"""Where AWS's own services are asked, by the rule data of a botocore: writes service_endpoints.json.

    PYTHONPATH=DIRECTORY tests/python tests/vectors/generate_service_endpoints.py

DIRECTORY holds the botocore. Every region of its partitions and one that it does not know, every variant.
"""
import json
import pathlib

import botocore
from botocore.endpoint_provider import EndpointProvider
from botocore.loaders import Loader

FILE = pathlib.Path(__file__).resolve().parent / "service_endpoints.json"
ABOUT = (
    "Hosts of STS, SSO, SSO's OIDC and sign-in for every region, by botocore's endpoint rules. \"hosts\" are "
    "those without variant, with dual stack, with FIPS, with both; \"legacy\" is STS's with "
    "sts_regional_endpoints = legacy, and the region that a request to it is signed for. Written by "
    "generate_service_endpoints.py.")
SERVICES = ("sts", "sso", "sso-oidc", "signin")
UNKNOWN = "xx-new-1"


def resolve(provider, region, **parameters):
    endpoint = provider.resolve_endpoint(
        Region=region, **{"UseFIPS": False, "UseDualStack": False, **parameters})
    schemes = endpoint.properties.get("authSchemes") or [{}]
    return endpoint.url.removeprefix("https://"), schemes[0].get("signingRegion", region)


def rows():
    loader = Loader()
    partitions = loader.load_data("partitions")
    regions = [region for partition in partitions["partitions"] for region in partition["regions"]
               if not region.endswith("-global")]
    for service in SERVICES:
        provider = EndpointProvider(
            loader.load_service_model(service, "endpoint-rule-set-1"), partitions)
        for region in [*regions, UNKNOWN]:
            hosts = [resolve(provider, region, UseFIPS=fips, UseDualStack=dual)[0]
                     for fips in (False, True) for dual in (False, True)]
            row = {"service": service.upper().replace("-", "_"), "region": region, "hosts": hosts}
            if service == "sts":
                row["legacy"] = resolve(provider, region, UseGlobalEndpoint=True)
            yield row


def main():
    lines = [json.dumps(row) for row in rows()]
    head = json.dumps({"about": ABOUT, "botocore": botocore.__version__, "rows": []}, indent=1)[:-4]
    FILE.write_text(head + "[\n  " + ",\n  ".join(lines) + "\n ]\n}\n", encoding="ascii")


if __name__ == "__main__":
    main()
