// Debian's Chromium with an empty profile, and what scenarios do with a page.
import { chromium } from 'playwright-core';
import { SERVICE } from './stack.mjs';
import { DEADLINE_MS } from './tap.mjs';

const DESKTOP = { width: 1280, height: 900 };
export const PHONE = { width: 360, height: 740 };

let browser;

export async function browserStart() {
    browser = await chromium.launch({
        executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
        args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update',
            '--disable-sync'],
    });
}

export async function browserStop() {
    await browser.close();
}

// A page of a new profile, and what it had to complain about. A refused request is the scenario's matter.
export async function pageNew(options = {}) {
    const context = await browser.newContext({ viewport: DESKTOP, colorScheme: 'light', ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(DEADLINE_MS);
    page.complaints = [];
    page.on('pageerror', (error) => page.complaints.push(String(error)));
    page.on('dialog', (dialog) => { page.complaints.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
    page.on('console', (message) => {
        const isOurs = message.type() === 'error' && !message.text().startsWith('Failed to load resource');
        if (isOurs) page.complaints.push(message.text());
    });
    return page;
}

export async function walletOpen(page, id, base = SERVICE) {
    await page.goto(`${base}/#wallet=${id}`);
    await page.locator('#wallet').waitFor();
}

export function text(page, selector) {
    return () => page.locator(selector).textContent();
}

// The balance as shown, of all its parts.
export function balance(page) {
    return text(page, '#wallet-balance');
}

// The versions of the history's rows, newest first.
export function versions(page) {
    return () => page.locator('.entry').evaluateAll((rows) => rows.map((row) => Number(row.dataset.version)));
}

export async function operationChoose(page, operation) {
    await page.locator(`input[name=operation][value=${operation}]`).check();
}

export async function operationSend(page, operation, fields) {
    await operationChoose(page, operation);
    for (const [id, value] of Object.entries(fields)) await page.locator(`#move-${id}`).fill(value);
    await page.locator('#move-submit').click();
}

// Whether the page is wider than the window.
export function overflow(page) {
    return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

// The POST requests a page makes from now on: path, key, body.
export function postsOf(page) {
    const posts = [];
    page.on('request', (request) => {
        if (request.method() !== 'POST') return;
        posts.push({
            path: new URL(request.url()).pathname,
            key: request.headers()['idempotency-key'],
            body: request.postDataJSON(),
        });
    });
    return posts;
}
