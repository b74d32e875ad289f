// Bayeux servers from npm, and a second port by which the tests steer them.
// Usage: node servers.mjs cometd|faye FOLDER_OF_THE_PACKAGE PORT CONTROL_PORT
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const [, , kind, folder, port, controlPort] = process.argv;
const require = createRequire(`${folder}/`);
const dataOf = (n, pad) => ({ n, pad: 'x'.repeat(pad) });

function cometd() {
  const server = require('cometd-nodejs-server').createCometDServer({ timeout: 4000, maxInterval: 4000 });
  const { AcknowledgedMessagesExtension } = require('cometd-nodejs-server/ack-extension');
  const sessions = new Map();
  server.addExtension(new AcknowledgedMessagesExtension());
  server.addListener('sessionAdded', (session) => sessions.set(session.id, session));
  server.addListener('sessionRemoved', (session) => sessions.delete(session.id));
  server.policy = {
    canSubscribe: (session, message, channel, answer) => answer(undefined, !channel.name.startsWith('/forbidden/')),
    canPublish: (session, message, channel, answer) => answer(undefined, !channel.name.startsWith('/readonly/')),
  };
  server.createServerChannel('/service/echo').addListener('message', (session, channel, message, done) => {
    session.deliver(null, '/service/echo', message.data);
    done();
  });
  const each = (act) => [...sessions.values()].forEach(act);
  return {
    handle: (request, response) => server.handle(request, response),
    publish: (channel, data) => server.createServerChannel(channel).publish(null, data),
    subscribers: (channel) => server.getServerChannel(channel)?.subscribers.length ?? 0,
    sessions: () => sessions.size,
    drop: () => each((session) => server._removeServerSession?.(session, true) ?? session.disconnect()),
    disconnect: () => each((session) => session.disconnect()),
    close: () => server.close(),
  };
}

function faye() {
  const { NodeAdapter } = require('faye');
  const adapter = new NodeAdapter({ mount: '/cometd', timeout: 4, ping: 2 });
  const clients = new Set();
  const subscribed = new Map();
  adapter.on('handshake', (id) => clients.add(id));
  adapter.on('disconnect', (id) => clients.delete(id));
  adapter.on('subscribe', (id, channel) => subscribed.set(channel, (subscribed.get(channel) ?? 0) + 1));
  adapter.on('unsubscribe', (id, channel) => subscribed.set(channel, (subscribed.get(channel) ?? 0) - 1));
  adapter.addExtension({
    incoming(message, pass) {
      if (message.channel === '/meta/subscribe' && String(message.subscription).startsWith('/forbidden/'))
        message.error = '403::Not for you';
      pass(message);
    },
  });
  const drop = () => [...clients].forEach((id) => adapter._server._engine._engine.destroyClient(id, () => {}));
  return {
    attach: (http) => adapter.attach(http),
    publish: (channel, data) => adapter.getClient().publish(channel, data),
    subscribers: (channel) => subscribed.get(channel) ?? 0,
    sessions: () => clients.size,
    drop,
    disconnect: drop,
    close: () => adapter.close(),
  };
}

let server;
let http;
const sockets = new Set();

function up() {
  server = kind === 'faye' ? faye() : cometd();
  http = createServer((request, response) => {
    if (server.handle) server.handle(request, response);
    else response.writeHead(404).end();
  });
  http.on('connection', (socket) => sockets.add(socket.on('close', () => sockets.delete(socket))));
  server.attach?.(http);
  return new Promise((done) => http.listen(port, '127.0.0.1', done));
}

function down() {
  server.close();
  return new Promise((done) => {
    http.close(done);
    sockets.forEach((socket) => socket.destroy());
  });
}

const verbs = {
  '/publish': async (q) => {
    const from = Number(q.get('from') ?? 1);
    for (let n = from; n < from + Number(q.get('count') ?? 1); n++)
      await server.publish(q.get('channel'), dataOf(n, Number(q.get('pad') ?? 0)));
  },
  '/drop': () => server.drop(),
  '/disconnect': () => server.disconnect(),
  '/down': down,
  '/up': up,
  '/subscribers': (q) => server.subscribers(q.get('channel')),
  '/sessions': () => server.sessions(),
};

await up();
createServer(async (request, response) => {
  const url = new URL(request.url, 'http://localhost');
  try {
    const said = await (verbs[url.pathname] ?? (() => 'no such verb'))(url.searchParams);
    response.end(`${said ?? 'done'}\n`);
  } catch (e) {
    response.end(`${e}\n`);
  }
}).listen(controlPort, '127.0.0.1');
