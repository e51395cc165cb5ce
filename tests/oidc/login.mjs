// People log in to a real bridge through a real provider, by plain HTTP as a browser would.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { start } from './provider.mjs';

const throughline = process.env.THROUGHLINE;
const patience = 30_000;

/** A browser without a screen: it keeps cookies by host and follows nothing by itself. */
class Browser {
  cookies = new Map();

  async ask(url, form) {
    const { host, origin } = new URL(url);
    const jar = this.cookies.get(host) ?? this.cookies.set(host, new Map()).get(host);
    const headers = { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') };
    if (form) headers.origin = origin;
    const body = form && new URLSearchParams(form);
    const answer = await fetch(url, { method: form ? 'POST' : 'GET', headers, body, redirect: 'manual' });
    for (const cookie of answer.headers.getSetCookie()) {
      const [pair, ...attributes] = cookie.split(';');
      const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
      const over = attributes.some((one) => /^ *(max-age=0|expires=Thu, 01 Jan 1970)/i.test(one));
      if (over || value === '') jar.delete(name); else jar.set(name, value);
    }
    const location = answer.headers.get('location');
    return { status: answer.status, body: await answer.text(), to: location && new URL(location, url).href };
  }

  /** Logs in at the provider as `who`, and returns the address at which it sends the browser back. */
  async through(bridge, who) {
    let at = await this.ask(`${bridge}/console/login/oidc?to=/console/accounts`);
    for (let step = 0; step < 12; step += 1) {
      if (at.to?.startsWith(`${bridge}/console/login/callback`)) return at.to;
      if (at.to) { at = await this.ask(at.to); continue; }
      const action = at.body.match(/<form[^>]*action="([^"]+)"/)?.[1];
      assert(action, `a page of the provider without a form: ${at.status} ${at.body}`);
      const prompt = at.body.match(/name="prompt" value="([^"]+)"/)[1];
      at = await this.ask(action, prompt === 'login' ? { prompt, login: who, password: 'any' } : { prompt });
    }
    throw new Error('the provider leads nowhere');
  }
}

async function until(what, holds) {
  for (const end = Date.now() + patience; Date.now() < end; await new Promise((go) => setTimeout(go, 50))) {
    if (await holds().catch(() => false)) return;
  }
  throw new Error(`it is not so that ${what}`);
}

async function played({ inToken }) {
  const folder = await mkdtemp(join(tmpdir(), 'throughline-oidc-'));
  const provider = await start();
  const secret = async (name, text) => { await writeFile(join(folder, name), text); await chmod(join(folder, name), 0o600); };
  await secret('oidc.secret', 'a secret between the two of them');
  await secret('desk.token', 'unused');
  const config = join(folder, 'throughline.toml');
  await writeFile(config, `
[bridge]
home = "contoso"
data = "data"
listen = "127.0.0.1:0"
[parties.contoso]
[parties.fabrikam]
[systems.helpdesk]
party = "contoso"
[systems.helpdesk.practice]
url = "http://127.0.0.1:9/"
token = { file = "desk.token" }
[console.oidc]
issuer = "${provider.issuer}"
client_id = "throughline"
client_secret = { file = "oidc.secret" }
scopes = ["profile", "groups"]
guests = { "partner-fabrikam" = "fabrikam" }
[console.oidc.roles]
admin = ["helpdesk-admins"]
agent = ["helpdesk"]
`);
  const daemon = spawn(throughline, ['serve', '--config', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  daemon.stderr.on('data', (text) => { log += text; });
  const ended = new Promise((exited) => daemon.on('exit', exited));
  try {
    let bridge;
    await until('the bridge serves', async () => {
      bridge = `http://${JSON.parse(await readFile(join(folder, 'data', 'daemon.json'), 'utf8')).address}`;
      return (await fetch(`${bridge}/healthz`)).ok;
    });
    provider.serve({ callback: `${bridge}/console/login/callback`, inToken });
    const admin = new Browser();
    const page = await admin.ask(`${bridge}/console/login?to=/console/accounts`);
    assert.match(page.body, /Log in with your organization/);
    const back = await admin.through(bridge, 'ada');
    const stranger = await new Browser().ask(back);
    assert.equal(stranger.status, 403, 'a login that another browser began');
    // What another browser tried is spent: it is begun anew.
    assert.equal((await admin.ask(back)).status, 403);
    const again = await admin.through(bridge, 'ada');
    const entered = await admin.ask(again);
    assert.deepEqual([entered.status, entered.to], [303, `${bridge}/console/accounts`], entered.body);
    const accounts = await admin.ask(entered.to);
    assert.equal(accounts.status, 200, accounts.body);
    assert.match(accounts.body, /ada@contoso\.example/);
    assert.equal((await admin.ask(again)).status, 403, 'the same answer of the provider again');

    const agent = new Browser();
    assert.equal((await agent.ask(await agent.through(bridge, 'kim'))).status, 303);
    assert.equal((await agent.ask(`${bridge}/console/accounts`)).status, 403);
    const guest = new Browser();
    assert.equal((await guest.ask(await guest.through(bridge, 'guest'))).status, 303);
    const me = JSON.parse((await guest.ask(`${bridge}/api/v1/me`)).body);
    assert.deepEqual([me.role, me.party, me.rights], ['guest', 'fabrikam', ['visit', 'prove']]);
    const nobody = new Browser();
    const refused = await nobody.ask(await nobody.through(bridge, 'nobody'));
    assert.equal(refused.status, 403);
    assert.match(refused.body, /has no role here/);
    assert.equal((await nobody.ask(`${bridge}/api/v1/me`)).status, 401);
  } catch (error) {
    process.stderr.write(log);
    throw error;
  } finally {
    daemon.kill('SIGTERM');
    await ended;
    await provider.stop();
    await rm(folder, { recursive: true });
  }
}

for (const inToken of [true, false]) {
  await played({ inToken });
  console.log(`people log in through oidc-provider, with groups ${inToken ? 'in the ID token' : 'at userinfo'}`);
}
