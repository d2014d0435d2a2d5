// The console in a real browser, against a real stack. Started by run.
//
//     console.mjs [WORD ...]    only the scenarios that have one of the words in their names
import access from './scenarios/access.mjs';
import forms from './scenarios/forms.mjs';
import live from './scenarios/live.mjs';
import once from './scenarios/once.mjs';
import trouble from './scenarios/trouble.mjs';
import views from './scenarios/views.mjs';
import { browserStart, browserStop, pageNew } from './browser.mjs';
import { stackLeave } from './stack.mjs';
import { done, isEqual, isFailed } from './tap.mjs';

const WORKERS = 3;

const words = process.argv.slice(2);
const scenarios = Object.entries({ ...views, ...forms, ...once, ...live, ...access, ...trouble })
    .filter(([name]) => words.length === 0 || words.some((word) => name.includes(word)));

// Each has a page of its own; options are those of its browser context.
async function scenarioRun(name, { options = {}, run }) {
    const begin = Date.now();
    const page = await pageNew(options);
    try {
        await run(page);
        isEqual(page.complaints, [], `${name}: nothing to complain about in the browser's console`);
    } catch (error) {
        isFailed(`${name}: runs to its end`, error);
    }
    await page.context().close();
    console.log(`# ${name}: ${((Date.now() - begin) / 1000).toFixed(1)} s`);
}

// Several at once, and then those that stop what the others use.
async function scenariosRun() {
    const together = scenarios.filter(([, scenario]) => !scenario.isAlone);
    const worker = async () => {
        for (let next = together.shift(); next; next = together.shift()) await scenarioRun(...next);
    };
    await Promise.all(Array.from({ length: WORKERS }, worker));
    for (const [name, scenario] of scenarios) if (scenario.isAlone) await scenarioRun(name, scenario);
}

await browserStart();
await scenariosRun();
await browserStop();
stackLeave();
process.exitCode = done() ? 0 : 1;
