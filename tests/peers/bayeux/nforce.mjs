// nforce's streaming client. Prints each event as a line of JSON, notes on standard error, and ends after COUNT of them.
// Usage: node nforce.mjs FOLDER_OF_THE_PACKAGE TOPIC FROM COUNT
import { createRequire } from 'node:module';
import { writeSync } from 'node:fs';

const [, , folder, topic, from, count] = process.argv;
const nforce = createRequire(`${folder}/`)('nforce');
const e = process.env;
const organisation = nforce.createConnection({
  clientId: e.SALESFORCE_CLIENT_ID, clientSecret: e.SALESFORCE_CLIENT_SECRET, redirectUri: 'http://localhost/callback',
  loginUri: `${e.SALESFORCE_LOGIN_URL}/services/oauth2/token`, apiVersion: `v${e.SALESFORCE_API_VERSION ?? '67.0'}`, mode: 'single',
});
const password = e.SALESFORCE_PASSWORD + (e.SALESFORCE_SECURITY_TOKEN ?? '');
await organisation.authenticate({ username: e.SALESFORCE_USERNAME, password });
let seen = 0;
const client = organisation.createStreamClient();
const subscription = client.subscribe({ topic, replayId: Number(from) });
subscription.on('connect', () => process.stderr.write('subscribed\n'));
subscription.on('error', (failure) => process.stderr.write(`failed: ${JSON.stringify(failure)}\n`));
subscription.on('data', (data) => {
  writeSync(1, `${JSON.stringify({ channel: `/topic/${topic}`, data })}\n`);
  seen += 1;
  if (seen === Number(count)) process.exit(0);
});
