// jsforce's streaming client. Prints each event as a line of JSON, notes on standard error, and ends after COUNT of them.
// Usage: node jsforce.mjs FOLDER_OF_THE_PACKAGE CHANNEL FROM COUNT
import { createRequire } from 'node:module';
import { writeSync } from 'node:fs';

const [, , folder, channel, from, count] = process.argv;
const require = createRequire(`${folder}/`);
const jsforce = require('jsforce');
const { Replay, AuthFailure } = require('jsforce/lib/api/streaming').StreamingExtension;

const e = process.env;
const connection = new jsforce.Connection({
  version: e.SALESFORCE_API_VERSION ?? '67.0',
  oauth2: { loginUrl: e.SALESFORCE_LOGIN_URL, clientId: e.SALESFORCE_CLIENT_ID, clientSecret: e.SALESFORCE_CLIENT_SECRET },
});
await connection.loginByOAuth2(e.SALESFORCE_USERNAME, e.SALESFORCE_PASSWORD + (e.SALESFORCE_SECURITY_TOKEN ?? ''));
let seen = 0;
const client = connection.streaming.createClient([
  new Replay(channel, Number(from)),
  new AuthFailure((message) => {
    process.stderr.write(`refused: ${JSON.stringify(message)}\n`);
    process.exit(77);
  }),
]);
client.subscribe(channel, (data) => {
  writeSync(1, `${JSON.stringify({ channel, data })}\n`);
  seen += 1;
  if (seen === Number(count)) process.exit(0);
}).then(() => process.stderr.write('subscribed\n'), (failure) => process.stderr.write(`failed: ${failure}\n`));
