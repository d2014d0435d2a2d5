// Parses the AsyncAPI file with the parser of the AsyncAPI project; says what is wrong with it, and
// what it describes, one line each.
import { readFileSync } from 'node:fs';
import { Parser, fromFile } from '@asyncapi/parser';

const path = process.argv[2];
const parser = new Parser();
const { document, diagnostics } = await fromFile(parser, path).parse();

for (const found of diagnostics.filter(({ severity }) => severity <= 1)) {
    console.log('wrong', `${path}:${found.range.start.line + 1}`, found.message);
}
if (!document) {
    process.exit(1);
}
console.log('version', JSON.parse(JSON.stringify(document.json())).asyncapi);
for (const channel of document.channels().all()) {
    console.log('channel', channel.address());
    for (const message of channel.messages().all()) {
        console.log('message', message.name(), Object.keys(message.payload()?.json().properties ?? {}).join(' '));
        console.log('headers', Object.keys(message.headers()?.json().properties ?? {}).join(' '));
    }
}
process.exit(diagnostics.some(({ severity }) => severity === 0) ? 1 : 0);
