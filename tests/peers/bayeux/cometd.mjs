// CometD's JavaScript client. Prints each event as a line of JSON, notes on standard error, and ends after COUNT of them.
// Usage: node cometd.mjs FOLDER_OF_THE_PACKAGE URL|salesforce CHANNEL FROM|- COUNT [long-polling|websocket]
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { writeSync } from 'node:fs';
import { login } from './login.mjs';

const [, , folder, where, channel, from, count, transport = 'long-polling'] = process.argv;
const load = (name) => import(pathToFileURL(createRequire(`${folder}/`).resolve(name)));
const { adapt } = await load('cometd-nodejs-client');
adapt();
const { CometD } = await load('cometd');
const { AckExtension } = await load('cometd/AckExtension.js');
const client = new CometD();
if (transport === 'websocket') client.unregisterTransport('long-polling');
else client.unregisterTransport('websocket');

const options = { url: where, appendMessageTypeToURL: false, logLevel: 'warn' };
if (where === 'salesforce') {
  const session = await login();
  options.url = session.url;
  options.requestHeaders = { Authorization: `Bearer ${session.token}` };
}
if (from === '-') client.registerExtension('ack', new AckExtension());
else {
  let newest = Number(from);
  client.registerExtension('replay', {
    outgoing(message) {
      if (message.channel === '/meta/handshake') message.ext = { ...message.ext, replay: true };
      if (message.channel === '/meta/subscribe') message.ext = { ...message.ext, replay: { [channel]: newest } };
      return message;
    },
    incoming(message) {
      if (message.channel === channel && message.data?.event) newest = message.data.event.replayId;
      return message;
    },
  });
}
client.configure(options);

let seen = 0;
const event = (message) => {
  writeSync(1, `${JSON.stringify(message)}\n`);
  seen += 1;
  if (seen === Number(count)) process.exit(0);
};
const failed = (message) => {
  if (!message.successful) process.stderr.write(`failed: ${JSON.stringify(message)}\n`);
};
client.addListener('/meta/connect', failed);
client.addListener('/meta/handshake', (message) => {
  failed(message);
  if (!message.successful) return;
  client.subscribe(channel, event, (reply) => {
    if (reply.successful) process.stderr.write(`subscribed: ${JSON.stringify(reply)}\n`);
    else failed(reply);
  });
});
client.handshake();
