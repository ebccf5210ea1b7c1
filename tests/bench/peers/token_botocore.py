# SPDX-License-Identifier: MIT
"""Makes tokens with botocore:

    python3 token_botocore.py HOST USER                prints one token
    python3 token_botocore.py HOST USER COUNT          prints the nanoseconds of one token: the minimum of COUNT batches
                                                       of 100
    python3 token_botocore.py HOST USER COUNT FILE     writes a passfile with COUNT lines
"""
import sys
import time

import botocore.session

host, user, *rest = sys.argv[1:]
client = botocore.session.get_session().create_client("rds", region_name="us-east-1")
if not rest:
    print(client.generate_db_auth_token(host, 5432, user))
elif len(rest) == 1:
    count = int(rest[0])
    client.generate_db_auth_token(host, 5432, user)
    times = []
    for _ in range(count):
        start = time.perf_counter_ns()
        for _ in range(100):
            client.generate_db_auth_token(host, 5432, user)
        times.append((time.perf_counter_ns() - start) / 100)
    print(min(times))
else:
    with open(rest[1], "w", encoding="utf-8") as file:
        for i in range(int(rest[0])):
            token = client.generate_db_auth_token(host, 5432, f"{user}{i}").replace(":", "\\:")
            file.write(f"{host}:5432:*:{user}{i}:{token}\n")
