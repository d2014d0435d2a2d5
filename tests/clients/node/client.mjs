// The wallet from node-postgres. PGHOST, PGPORT, PGUSER and PGDATABASE say where it is.
// Amounts are strings on both ways: a number of JavaScript is binary floating point.
import pg from 'pg';
import { done, isEqual } from './tap.mjs';

const pool = new pg.Pool();

async function call(client, expression, ...values) {
    const { rows } = await client.query(`SELECT ${expression} AS id`, values);
    return rows[0].id;
}

function transfer(client, payer, payee, amount, key) {
    return call(client, 'wallet_transfer($1, $2, $3, $4)', payer, payee, amount, key);
}

async function available(client, wallet) {
    const { rows } = await client.query('SELECT available FROM wallet_get($1)', [wallet]);
    return rows[0].available;
}

// Runs work in a transaction, again where another session was in its way: same call, same key.
async function inTransaction(work, attempts = 5) {
    const client = await pool.connect();
    try {
        for (let left = attempts - 1; ; left--) {
            try {
                await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
                const result = await work(client);
                await client.query('COMMIT');
                return result;
            } catch (error) {
                await client.query('ROLLBACK');
                if (!['40001', '40P01'].includes(error.code) || left === 0) throw error;
            }
        }
    } finally {
        client.release();
    }
}

// The SQLSTATE says what to do, the JSON in DETAIL says why.
async function refusal(promise) {
    try {
        await promise;
    } catch (error) {
        return { state: error.code, detail: error.detail?.startsWith('{') ? JSON.parse(error.detail) : {} };
    }
    return {};
}

const alice = await call(pool, 'wallet_create($1)', 'alice');
const bob = await call(pool, 'wallet_create($1)', 'bob');
await call(pool, 'wallet_fund($1, $2, $3)', alice, '100', 'deposit-1');
isEqual(await available(pool, alice), '100.0000', 'a wallet is funded');

const order = await transfer(pool, alice, bob, '25.50', 'order-17');
isEqual(await available(pool, bob), '25.5000', 'a transfer moves money');

const insufficient = await refusal(transfer(pool, alice, bob, '80', 'order-18'));
isEqual(insufficient.state, 'WL002', 'more than there is: insufficient_funds');
isEqual(insufficient.detail, { wallet_id: alice, available: '74.5000', requested: '80.0000' },
    'its DETAIL has the amounts');

const outdated = await refusal(
    call(pool, 'wallet_transfer($1, $2, $3, expected_version => $4, metadata => $5)',
        alice, bob, '1', 1, { order: 18 }));
isEqual(outdated.state, 'WL004', 'a version that is no more: version_conflict');
isEqual(outdated.detail, { wallet_id: alice, expected: 1, actual: 2 }, 'its DETAIL has the versions');

const retried = await transfer(pool, alice, bob, '25.5', 'order-17');
isEqual(retried, order, 'the same request under its key: the first id');
isEqual(await available(pool, alice), '74.5000', 'and no money moves again');

const conflict = await refusal(transfer(pool, alice, bob, '26', 'order-17'));
isEqual(conflict.state, 'WL005', 'another request under the key: idempotency_conflict');
isEqual(conflict.detail.field, 'amount', 'its DETAIL names the field');

// Pays out all there is. On the first try another session is quicker.
const seen = [];
await inTransaction(async (client) => {
    const amount = await available(client, alice);
    seen.push(amount);
    if (seen.length === 1) await transfer(pool, alice, bob, '10', 'order-19');
    return transfer(client, alice, bob, amount, 'sweep-1');
});
isEqual(seen, ['74.5000', '64.5000'], '40001: the retry sees the new balance');
isEqual(await available(pool, alice), '0.0000', 'and succeeds');

await pool.end();
done();
