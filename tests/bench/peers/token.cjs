// SPDX-License-Identifier: MIT
//
// Makes tokens with AWS's package @aws-sdk/rds-signer:
//
//   node token.cjs HOST USER          prints one token
//   node token.cjs HOST USER COUNT    prints the nanoseconds of one token: the minimum of COUNT batches of 100
const { Signer } = require("@aws-sdk/rds-signer");

async function main() {
    const [hostname, username, count] = process.argv.slice(2);
    const signer = new Signer({ hostname, port: 5432, username, region: "us-east-1" });
    const token = await signer.getAuthToken();
    if (count === undefined) {
        console.log(token);
        return;
    }
    let best = Infinity;
    for (let i = 0; i < Number(count); i++) {
        const start = process.hrtime.bigint();
        for (let j = 0; j < 100; j++) {
            await signer.getAuthToken();
        }
        best = Math.min(best, Number(process.hrtime.bigint() - start) / 100);
    }
    console.log(best);
}

main();
