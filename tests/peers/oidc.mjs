// oidc-provider with the clients of these tests, and a stub of what a Zeebe gateway asks of Camunda Identity.
// Usage: node oidc.mjs FOLDER_OF_THE_PACKAGE PORT IDENTITY_PORT FOLDER_OF_THE_KEYS
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

const [, , folder, port, identityPort, keys] = process.argv;
const { default: Provider } = await import(pathToFileURL(`${folder}/node_modules/oidc-provider/lib/index.js`));
const publicKey = (name, alg) => ({
  ...createPublicKey(readFileSync(`${keys}/${name}.key`)).export({ format: 'jwk' }), alg, use: 'sig', kid: name,
});
const client = (id, method, more) => ({
  client_id: id, token_endpoint_auth_method: method, grant_types: ['client_credentials'],
  redirect_uris: [], response_types: [], ...more,
});
const resource = {
  audience: 'zeebe-api', scope: 'zeebe read', accessTokenFormat: 'jwt', accessTokenTTL: 3600, jwt: { sign: { alg: 'RS256' } },
};

const special = { brief: { accessTokenTTL: 4 }, other: { audience: 'other-api' } };

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    client('post', 'client_secret_post', { client_secret: 'peers-secret-1' }),
    client('basic', 'client_secret_basic', { client_secret: 'peers-secret-2' }),
    client('odd:id+%41/?&', 'client_secret_basic', { client_secret: ' p%+&=:/? ~"x%20\\' }),
    client('odd-post', 'client_secret_post', { client_secret: ' p%+&=:/? ~"x%20\\' }),
    client('rs256', 'private_key_jwt', {
      token_endpoint_auth_signing_alg: 'RS256', jwks: { keys: [publicKey('rs256', 'RS256')] },
    }),
    client('es256', 'private_key_jwt', {
      token_endpoint_auth_signing_alg: 'ES256', jwks: { keys: [publicKey('es256', 'ES256')] },
    }),
    client('other', 'client_secret_post', { client_secret: 'peers-secret-4' }),
    client('brief', 'client_secret_post', { client_secret: 'peers-secret-3' }),
  ],
  clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
  scopes: ['zeebe', 'read'],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => 'urn:zeebe',
      useGrantedResource: () => true,
      getResourceServerInfo: (ctx, indicator, { clientId }) => ({ ...resource, ...special[clientId] }),
    },
  },
});
provider.use(async (ctx, next) => {
  await next();
  if (ctx.path === '/token') {
    console.log(`token ${ctx.oidc?.client?.clientId ?? 'nobody'} ${ctx.status} ${JSON.stringify(ctx.body?.error ?? '')}`);
  }
});
provider.listen(Number(port), '127.0.0.1');

const answers = { permissions: [], groups: [], tenants: [{ tenantId: 't1', name: 't1' }] };
createServer((request, response) => {
  const what = /^\/api\/(permissions|groups|tenants)\/for-token/.exec(request.url);
  response.writeHead(what ? 200 : 404, { 'content-type': 'application/json' });
  response.end(JSON.stringify(what ? answers[what[1]] : {}));
}).listen(Number(identityPort), '127.0.0.1');
