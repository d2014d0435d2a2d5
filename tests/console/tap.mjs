// What a scenario finds, as TAP on standard output; and waiting for what must become so.
import { isDeepStrictEqual } from 'node:util';

const PATIENCE = Number(process.env.WALLET_TEST_PATIENCE || 1);
export const DEADLINE_MS = 15000 * PATIENCE;
const INTERVAL_MS = 25;

let count = 0;
let failed = 0;

function report(ok, name, diagnosis) {
    count++;
    if (!ok) failed++;
    console.log(`${ok ? 'ok' : 'not ok'} ${count} - ${name.replaceAll('#', '\\#')}`);
    if (!ok) for (const line of String(diagnosis).split('\n')) console.log(`# ${line}`);
}

export function isEqual(got, expected, name) {
    report(isDeepStrictEqual(got, expected), name, `got ${JSON.stringify(got)}, expected ${JSON.stringify(expected)}`);
}

export function isTrue(value, name, diagnosis = '') {
    report(Boolean(value), name, `got ${JSON.stringify(value)} ${diagnosis}`);
}

export function isFailed(name, error) {
    report(false, name, error.stack ?? error);
}

// Calls look() until holds(value); the last value if the deadline passes first.
async function lastOf(look, holds) {
    const end = Date.now() + DEADLINE_MS;
    for (;;) {
        const value = await look();
        if (holds(value) || Date.now() >= end) return value;
        await new Promise((resolve) => { setTimeout(resolve, INTERVAL_MS); });
    }
}

export async function becomes(look, expected, name) {
    isEqual(await lastOf(look, (value) => isDeepStrictEqual(value, expected)), expected, name);
}

export async function becomesLike(look, pattern, name) {
    const got = await lastOf(look, (value) => pattern.test(value));
    report(pattern.test(got), name, `got ${JSON.stringify(got)}, expected ${pattern}`);
}

export function done() {
    console.log(`1..${count}`);
    return failed === 0 && count > 0;
}
