// Creating wallets and moving money by the forms, and what is refused.
import { balance, operationChoose, operationSend, postsOf, text, versions, walletOpen } from '../browser.mjs';
import { SERVICE, ledgerOf, post, walletNew } from '../stack.mjs';
import { becomes, becomesLike, isEqual, isTrue } from '../tap.mjs';

async function createFundTransfer(page) {
    const bob = await walletNew('forms-bob');
    await page.goto(SERVICE);
    await page.evaluate(() => { window.isSamePage = true; });
    await page.locator('#welcome-create').click();
    await page.locator('#create-user').fill('forms-alice');
    await page.locator('#create-submit').click();
    await becomes(text(page, '#wallet-title'), 'forms-alice', 'a wallet is created and shown');
    const id = await text(page, '#wallet-id')();

    await operationSend(page, 'fund', { amount: '100', note: 'Deposit' });
    await becomes(text(page, '#move-done'), 'Funded 100.00 USD.', 'it is funded');
    await becomes(balance(page), '100.00', 'the balance follows');
    isEqual(await page.locator('#move-amount').inputValue(), '', 'the amount is not left to be sent again');

    await operationChoose(page, 'transfer');
    await page.locator('#move-to').fill(bob.id);
    await page.locator('#move-amount').fill('25.50');
    await becomes(text(page, '#move-to-hint'), 'forms-bob \u00b7 USD', 'a transfer says to whom');
    await page.locator('#move-submit').click();
    await becomes(text(page, '#move-done'), 'Transferred 25.50 USD.', 'money is transferred');
    await operationSend(page, 'withdraw', { amount: '4.5' });
    await becomes(balance(page), '70.00', 'money is withdrawn');
    await operationSend(page, 'hold', { amount: '20' });
    await becomes(text(page, '#wallet-available'), '50.00', 'money is held');

    await becomes(versions(page), [4, 3, 2, 1, 0], 'every entry comes back through Kafka');
    isEqual(await page.locator('.entry .party a').getAttribute('href'), `#wallet=${bob.id}`, 'a transfer leads to its other side');
    await becomes(() => page.locator('.entry .note').textContent(), 'Deposit', 'a note is kept');
    isTrue(await page.evaluate(() => window.isSamePage), 'all without a reload');
    isEqual(await ledgerOf(id), ['FUND 100.0000', 'TRANSFER_OUT 25.5000', 'WITHDRAW 4.5000', 'HOLD 20.0000'],
        'the ledger has the same');
}

async function insufficientFunds(page) {
    const payer = await walletNew('forms-payer', '75');
    const payee = await walletNew('forms-payee');
    await walletOpen(page, payer.id);
    await operationSend(page, 'transfer', { to: payee.id, amount: '80.00' });
    await becomes(text(page, '#move-problem'), 'Insufficient funds: 75.00 USD available, 80.00 requested. (WL002)',
        'insufficient funds are explained beside the form');
    isEqual(await page.locator('#move-amount').inputValue(), '80.00', 'what was typed stays');
    await page.locator('#move-amount').fill('75');
    await page.locator('#move-submit').click();
    await becomes(balance(page), '0.00', 'a smaller amount goes through');
    isEqual(await text(page, '#move-problem')(), '', 'and the problem is gone');
}

async function otherRefusals(page) {
    const dollars = await walletNew('forms-dollars', '10');
    const euros = await walletNew('forms-euros', null, { currency: 'EUR' });
    await walletOpen(page, dollars.id);
    await operationSend(page, 'transfer', { to: euros.id, amount: '1' });
    await becomes(text(page, '#move-problem'), 'That wallet holds EUR, this one USD. (WL006)', 'another currency');
    await page.locator('#move-to').fill('00000000-0000-4000-8000-000000000002');
    await page.locator('#move-submit').click();
    await becomes(text(page, '#move-problem'), 'No wallet has this id. (WL001)', 'a wallet that is none');
    await operationSend(page, 'fund', { amount: '999999999999999.9999' });
    await becomesLike(text(page, '#move-problem'), /above the wallet\u2019s max balance\. \(WL010\)/, 'more than a wallet can hold');
}

async function fieldsChecked(page) {
    const wallet = await walletNew('forms-fields', '10');
    const posts = postsOf(page);
    await walletOpen(page, wallet.id);
    for (const [typed, pattern] of [['', /is needed/], ['1,50', /dot/], ['0.00001', /4 decimals/], ['0', /above 0/],
        ['-5', /decimal number/], ['1e3', /decimal number/], ['1234567890123456', /15 digits/]]) {
        await operationSend(page, 'fund', { amount: typed });
        await becomesLike(text(page, '#move-amount-problem'), pattern, `"${typed}" is no amount`);
    }
    isEqual(await page.locator('#move-amount').getAttribute('aria-invalid'), 'true', 'the field is marked');
    isTrue(await page.locator('#move-amount').evaluate((field) => field === document.activeElement), 'and has the focus');
    await operationSend(page, 'transfer', { to: 'bob', amount: '1' });
    await becomesLike(text(page, '#move-to-problem'), /looks like/, 'a name is no wallet id');
    await operationSend(page, 'transfer', { to: wallet.id, amount: '1' });
    await becomes(text(page, '#move-to-problem'), 'That is this wallet.', 'nor is the same wallet another');
    await page.locator('#create-open').click();
    await page.locator('#create-currency').fill('$');
    await page.locator('#create-submit').click();
    await becomes(text(page, '#create-user-problem'), 'A user id is needed.', 'a wallet needs a user');
    await becomesLike(text(page, '#create-currency-problem'), /such as USD/, 'and a currency');
    isEqual(posts, [], 'nothing of it was sent');
    await page.keyboard.press('Escape');

    await operationSend(page, 'fund', { amount: ' 0.0001 ' });
    await becomes(balance(page), '10.0001', 'the smallest amount is one');
    isEqual(posts.map(({ body }) => body), [{ amount: '0.0001' }], 'and is sent as a string');
}

async function holdBeyondBalance(page) {
    const { id } = await walletNew('forms-limit', '10');
    await walletOpen(page, id);
    await operationSend(page, 'hold', { amount: '10.0001' });
    await becomes(text(page, '#move-problem'), 'Insufficient funds: 10.00 USD available, 10.0001 requested. (WL002)',
        'a hold of more than there is');
    await post(`/wallets/${id}/withdraw`, { amount: '3' });
    await becomes(text(page, '#wallet-available'), '7.00', 'what others do shows at once');
}

async function frozenWallet(page) {
    const { id } = await walletNew('forms-frozen', '10');
    await walletOpen(page, id);
    await becomes(versions(page), [1, 0], 'a wallet with a history');
    await post(`/wallets/${id}/limits`, { credit_limit: '5', max_balance: '50' });
    await becomes(text(page, '#wallet-max-balance'), '50.00', 'its limits show as they are set');
    await becomes(text(page, '#wallet-available'), '15.00', 'with what is available then');
    await operationSend(page, 'fund', { amount: '40.01' });
    await becomesLike(text(page, '#move-problem'), /above the wallet\u2019s max balance/, 'and hold');
    await post(`/wallets/${id}/freeze`, {});
    await becomes(text(page, '#wallet-status'), 'frozen', 'it is frozen');
    await operationSend(page, 'withdraw', { amount: '1' });
    await becomesLike(text(page, '#move-problem'), /is frozen: nothing moves/, 'and says so');
    await post(`/wallets/${id}/unfreeze`, {});
    await becomes(text(page, '#wallet-status'), 'active', 'until it is not');
    await operationSend(page, 'withdraw', { amount: '12.5' });
    await becomes(balance(page), '\u22122.50', 'a balance below zero has its sign');
    await becomesLike(text(page, '#chart-text'), /lowest \u22122\.50 USD/, 'in the chart as well');
}

export default {
    'create, fund, transfer, withdraw, hold': { run: createFundTransfer },
    'insufficient funds': { run: insufficientFunds },
    'other refusals': { run: otherRefusals },
    'fields are checked': { run: fieldsChecked },
    'limits and a frozen wallet': { run: frozenWallet },
    'a hold beyond the balance': { run: holdBeyondBalance },
};
