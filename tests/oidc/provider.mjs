// A real OpenID Connect provider on loopback: panva's oidc-provider, with its own pages for development.
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

// Whoever logs in under a name is in the groups that the name stands for.
const groups = { ada: ['helpdesk-admins'], kim: ['helpdesk'], guest: ['partner-fabrikam'], nobody: ['sales'] };

/** Listens on a free port. It answers once `serve` was told where our bridge takes people back, and whether the ID token tells
 * the groups: a bridge is configured with this address before its own is known. */
export async function start() {
  const server = createServer();
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const serve = (options) => server.on('request', provider(issuer, options).callback());
  const stop = () => new Promise((stopped) => { server.closeAllConnections(); server.close(stopped); });
  return { issuer, serve, stop };
}

function provider(issuer, { callback, inToken }) {
  return new Provider(issuer, {
    clients: [{
      client_id: 'throughline',
      client_secret: 'a secret between the two of them',
      redirect_uris: [callback],
      grant_types: ['authorization_code'],
      response_types: ['code'],
    }],
    pkce: { required: () => true },
    conformIdTokenClaims: !inToken,
    scopes: ['openid', 'profile', 'groups'],
    claims: { openid: ['sub'], profile: ['preferred_username'], groups: ['groups'] },
    features: { devInteractions: { enabled: true } },
    findAccount: (_, sub) => ({
      accountId: sub,
      claims: () => ({ sub, preferred_username: `${sub}@contoso.example`, groups: groups[sub] ?? [] }),
    }),
  });
}
