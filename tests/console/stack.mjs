// The service under test, as another client of it sees it, and the processes around it.
import { createInterface } from 'node:readline';

export const SERVICE = process.env.WALLET_SERVICE_URL;
export const SERVICE_WITH_TOKEN = process.env.WALLET_SERVICE_WITH_TOKEN_URL;
export const TOKEN = process.env.WALLET_SERVICE_TOKEN;

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

// The program that started this one holds the processes: "stop service", "start bridge".
export async function please(request) {
    console.log(`please ${request}`);
    const { value } = await answers.next();
    if (value !== 'done') throw new Error(`${request}: ${value}`);
}

export function stackLeave() {
    process.stdin.destroy();
}

async function answerOf(path, options, base = SERVICE) {
    const headers = base === SERVICE_WITH_TOKEN ? { Authorization: `Bearer ${TOKEN}` } : {};
    const response = await fetch(base + path, { ...options, headers: { ...options.headers, ...headers } });
    const body = await response.json();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${JSON.stringify(body)}`);
    return body;
}

export function read(path) {
    return answerOf(path, {});
}

export function post(path, body) {
    return answerOf(path, {
        method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' },
    });
}

// A new wallet, funded where an amount is given.
export async function walletNew(userId, amount, { currency = 'USD', metadata } = {}) {
    const wallet = await post('/wallets', { user_id: userId, currency, ...(metadata && { metadata }) });
    return amount ? (await post(`/wallets/${wallet.id}/fund`, { amount })).wallet : wallet;
}

// What the ledger has: the types and amounts of a wallet's entries, oldest first.
export async function ledgerOf(id) {
    const { items } = await read(`/wallets/${id}/statement?limit=1000`);
    return items.filter((item) => !['OPENING', 'CLOSING', 'CREATED'].includes(item.type))
        .map((item) => `${item.type} ${item.amount}`);
}
