// What a client finds, as TAP on standard output.
import { isDeepStrictEqual } from 'node:util';

const results = [];

export function isEqual(got, expected, name) {
    const ok = isDeepStrictEqual(got, expected);
    results.push(ok);
    console.log(`${ok ? 'ok' : 'not ok'} ${results.length} - ${name}`);
    if (!ok) console.log(`# got ${JSON.stringify(got)}, expected ${JSON.stringify(expected)}`);
}

export function done() {
    console.log(`1..${results.length}`);
    process.exitCode = results.length > 0 && results.every(Boolean) ? 0 : 1;
}
