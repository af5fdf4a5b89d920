/**
 * A real OpenID Connect provider (oidc-provider) in a process of its own, since it is an ES module. Whoever signs in
 * there as `NAME` has the address NAME@example.net; it is verified unless NAME begins with `unverified`. Arguments:
 * the port, and the redirect URI of the one client, `fusecast` with the secret `provider-secret-of-32-characters`.
 */
import { Provider } from 'oidc-provider';

const [port, redirectUri] = process.argv.slice(2);

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: 'fusecast', client_secret: 'provider-secret-of-32-characters', redirect_uris: [redirectUri] }],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  cookies: { keys: ['test'] },
  pkce: { required: () => true },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      name: `Person ${id}`,
      email: `${id}@Example.net`,
      email_verified: !id.startsWith('unverified'),
    }),
  }),
});
provider.listen(Number(port), '127.0.0.1', () => process.stdout.write('ready\n'));
