// A first program with node-postgres. DATABASE_URL says where the wallet is.
// Amounts are strings on both ways: a number of JavaScript is binary floating point.
import { randomUUID } from 'node:crypto';
import pg from 'pg';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });

// One statement is a transaction. Where another session was in the way: the same call, the same key.
async function call(expression, values, attempts = 5) {
    for (let left = attempts - 1; ; left--) {
        try {
            const { rows } = await pool.query(`SELECT ${expression} AS id`, values);
            return rows[0].id;
        } catch (error) {
            if (!['40001', '40P01'].includes(error.code) || left === 0) throw error;
        }
    }
}

// The SQLSTATE says what to do, the JSON in DETAIL, where there is one, says why.
function refusal(error) {
    return { state: error.code, detail: error.detail?.startsWith('{') ? JSON.parse(error.detail) : {} };
}

const key = randomUUID();
const pay = 'wallet_transfer($1, $2, $3, $4)';
const alice = await call('wallet_create($1)', ['alice']);
const bob = await call('wallet_create($1)', ['bob']);
await call('wallet_fund($1, $2, $3)', [alice, '100', `deposit-${key}`]);

const order = await call(pay, [alice, bob, '25.50', `order-${key}`]);
const again = await call(pay, [alice, bob, '25.50', `order-${key}`]);
console.log('paid once:', order === again);
const { rows } = await pool.query('SELECT balance FROM wallet_get($1)', [bob]);
console.log('bob has', rows[0].balance);
try {
    await call(pay, [alice, bob, '80', `more-${key}`]);
} catch (error) {
    const { state, detail } = refusal(error);
    console.log('refused:', state, detail.available);
}
await pool.end();
