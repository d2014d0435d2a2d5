// What is shown: finding wallets and users, the figures, the chart, hostile names.
import { PHONE, balance, overflow, text, versions, walletOpen } from '../browser.mjs';
import { SERVICE, post, walletNew } from '../stack.mjs';
import { becomes, becomesLike, isEqual, isTrue } from '../tap.mjs';

const LARGEST = '999999999999999.9999';
const HOSTILE = '<img src=x onerror="document.title=\'hacked\'"><script>alert(1)</script>';

async function find(page, id) {
    await page.locator('#find-text').fill(id);
    await page.locator('#find-text').press('Enter');
}

async function findWalletsAndUsers(page) {
    const wallet = await walletNew('views-alice', '12.50');
    await walletNew('views-alice', null, { currency: 'EUR' });
    await page.goto(SERVICE);
    isTrue(await page.locator('#welcome').isVisible(), 'without an id: how to begin');

    await find(page, wallet.id);
    await becomes(text(page, '#wallet-title'), 'views-alice', 'a wallet is found by its id');
    isEqual(new URL(page.url()).hash, `#wallet=${wallet.id}`, 'and the address names it');
    await page.locator('#wallet-title a').click();
    await becomes(() => page.locator('#user-wallets .amount').allTextContents(), ['12.50 USD', '0.00 EUR'],
        'its user leads to all their wallets');
    await find(page, 'views-alice');
    await becomes(text(page, '#user-title'), 'views-alice', 'a user is found by id');
    await page.locator('#user-wallets a').first().click();
    await becomes(balance(page), '12.50', 'and leads to a wallet');

    await find(page, '00000000-0000-4000-8000-000000000001');
    await becomes(text(page, '#absent-text'), 'No wallet has this id.', 'an id of nobody is said to be one');
    await find(page, 'views-nobody');
    await becomes(text(page, '#user-wallets'), 'This user has no wallet.', 'so is a user without a wallet');
    await page.goBack();
    await page.goBack();
    await becomes(balance(page), '12.50', 'the way back leads back');
}

async function userWithUuid(page) {
    const id = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
    await walletNew(id, '1');
    await page.goto(SERVICE);
    await find(page, id);
    await becomes(text(page, '#user-title'), id, 'an id that looks like a wallet\u2019s may be a user\u2019s');
}

async function figures(page) {
    const { id } = await walletNew('views-figures', '100.5', { metadata: { plan: 'gold' } });
    await post(`/wallets/${id}/holds`, { amount: '20.25' });
    await walletOpen(page, id);
    const shown = await Promise.all(['balance', 'currency', 'available', 'held', 'credit-limit', 'max-balance', 'status',
        'version', 'metadata', 'id'].map((name) => text(page, `#wallet-${name}`)()));
    isEqual(shown, ['100.50', 'USD', '80.25', '20.25', '0.00', 'unlimited', 'active', '2', '{"plan":"gold"}', id],
        'the wallet\u2019s figures');
    await page.locator('#wallet-copy').click();
    await becomes(() => page.evaluate(() => navigator.clipboard.readText()), id, 'its id can be copied');
    isTrue(await page.locator('#wallet-created time').getAttribute('datetime'), 'created has an exact time');
}

async function largestAmount(page) {
    const { id } = await walletNew('views-largest', LARGEST);
    await walletOpen(page, id);
    isEqual(await balance(page)(), '999,999,999,999,999.9999', 'the largest amount is exact');
    await becomes(() => page.locator('.entry .amount').first().evaluate((cell) => cell.lastChild.textContent),
        '+999,999,999,999,999.9999', 'also in the history');
    await becomesLike(text(page, '#chart-text'), /highest 999,999,999,999,999\.9999 USD/, 'and in the chart\u2019s words');
    await page.setViewportSize(PHONE);
    isEqual(await overflow(page), 0, 'on a phone it needs no scrolling');
}

async function chart(page) {
    const { id } = await walletNew('views-chart', '100');
    await post(`/wallets/${id}/withdraw`, { amount: '75.5' });
    await post(`/wallets/${id}/fund`, { amount: '10' });
    await walletOpen(page, id);
    const svg = page.getByRole('img', { name: 'Balance over time in USD' });
    await svg.waitFor();
    isEqual(await text(page, '#chart-text')(),
        'From 0.00 USD to 34.50 USD in 4 steps; lowest 0.00 USD, highest 100.00 USD.', 'the chart in words');
    const line = await page.locator('.chart .line').getAttribute('d');
    isEqual(line.match(/V/g).length, 4, 'the line has a step for each entry');
    isTrue((await page.locator('.chart .grid text').allTextContents()).includes('100'), 'the amounts are labelled');

    await page.locator('#statement-details summary').click();
    await becomes(() => page.locator('#statement-rows tr').evaluateAll(
        (rows) => rows.map((row) => [...row.cells].slice(0, 4).map((cell) => cell.textContent).join(' '))),
    ['3 Fund +10.00 34.50', '2 Withdraw \u221275.50 24.50', '1 Fund +100.00 100.00', '0 Created  0.00'],
    'the statement as a table');
    await post(`/wallets/${id}/fund`, { amount: '0.0001' });
    await becomesLike(text(page, '#chart-text'), /to 34\.5001 USD in 5 steps/, 'the chart goes on by itself');
    await page.locator('#statement-range').selectOption('3600');
    await becomesLike(text(page, '#chart-text'), /to 34\.5001 USD/, 'a part of the time can be chosen');
    await svg.hover({ position: { x: 200, y: 100 } });
    await becomesLike(text(page, '#statement-readout'), /USD \u00b7 \d\d:\d\d:\d\d/, 'the pointer reads it');
}

async function hostileNames(page) {
    const { id } = await walletNew(HOSTILE, '5', { metadata: { note: HOSTILE, [HOSTILE]: 1 } });
    await post(`/wallets/${id}/fund`, { amount: '1', metadata: { note: HOSTILE } });
    await walletOpen(page, id);
    isEqual(await text(page, '#wallet-title')(), HOSTILE, 'a hostile name is shown letter by letter');
    await becomes(() => page.locator('.entry .note').first().textContent(), HOSTILE, 'so is a hostile note');
    await page.locator('#wallet-title a').click();
    await becomes(text(page, '#user-title'), HOSTILE, 'and the name as a user\u2019s');
    isEqual(await page.locator('img, main script').count(), 0, 'nothing of it became an element');
    isEqual(await page.title(), `${HOSTILE} \u2013 Wallet console`, 'nothing of it ran');
}

async function contentSecurity(page) {
    const response = await page.goto(SERVICE);
    isTrue(response.headers()['content-security-policy'].includes("default-src 'self'"), 'the page may load from here alone');
    const blocked = await page.evaluate(() => new Promise((resolve) => {
        document.addEventListener('securitypolicyviolation', (event) => resolve(event.violatedDirective), { once: true });
        const script = document.createElement('script');
        script.textContent = 'document.title = "inline"';
        document.head.append(script);
    }));
    isEqual(blocked, 'script-src-elem', 'an inline script is refused');
    isTrue(page.complaints.splice(0).every((line) => line.includes('Content Security Policy')), 'and complained about');
}

async function oldHistory(page) {
    const { id } = await walletNew('views-old');
    await Promise.all(Array.from({ length: 70 }, () => post(`/wallets/${id}/fund`, { amount: '1' })));
    await walletOpen(page, id);
    await becomes(async () => (await versions(page)())[0], 70, 'the newest entry stands first');
    isEqual(await page.locator('.entry.is-new').count(), 0, 'what was there before is not marked as new');
}

export default {
    'find wallets and users': { run: findWalletsAndUsers },
    'a user whose id is a uuid': { run: userWithUuid },
    'the figures of a wallet': { options: { permissions: ['clipboard-read', 'clipboard-write'] }, run: figures },
    'the largest amount': { run: largestAmount },
    'the chart': { run: chart },
    'hostile names': { run: hostileNames },
    'content security': { run: contentSecurity },
    'an old history': { run: oldHistory },
};
