// What agents, admins, auditors and guests do in the console, while requests cross the demo's desks.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { start } from "../oidc/provider.mjs";
import { PATIENCE, audit, demo, enter, folder, logIn, look, play, until } from "./stage.mjs";

const provider = await start();
writeFileSync(join(folder, "oidc.secret"), "a secret between the two of them", { mode: 0o600 });
writeFileSync(join(folder, "more.toml"), `
[console.oidc]
issuer = "${provider.issuer}"
client_id = "throughline"
client_secret = { file = "${join(folder, "oidc.secret")}" }
scopes = ["profile", "groups"]
guests = { "partner-fabrikam" = "fabrikam" }
[console.oidc.roles]
admin = ["helpdesk-admins"]
agent = ["helpdesk"]
`);
const { child, data, addresses, lines, open } = await demo("--with", join(folder, "more.toml"));

await play(child, async (test) => {
  await open;
  const home = new URL(addresses.console);
  const at = (path) => new URL(path, home).href;
  provider.serve({ callback: at("/console/login/callback"), inToken: true });
  const { browser, person, violations, dialogs } = await enter();
  const visit = await person();
  const [admin, helpdesk, partner] = [await visit(), await visit(), await visit()];

  const through = async (page, who) => {
    await page.goto(at("/console/"));
    await page.getByRole("link", { name: /log in with/i }).or(page.getByRole("button", { name: /log in with/i })).first().click();
    await page.locator("input[name=login]").fill(who);
    await page.locator("input[name=password]").fill("any");
    await page.locator("button[type=submit], input[type=submit]").first().click();
    await page.locator("form button[type=submit], form input[type=submit]").first().click();
    await page.waitForURL(/\/console\/$/);
  };
  const form = (page, heading) => page.locator("section", { has: page.getByRole("heading", { name: heading, exact: true }) });
  const comment = async (page, desk, number, who, text, internal) => {
    await page.goto(new URL(`/tickets/${number}`, desk).href);
    const section = form(page, "Comment");
    await section.getByLabel("Your name").fill(who);
    await section.getByLabel("Text").fill(text);
    if (internal) await section.getByRole("checkbox").check();
    await section.getByRole("button", { name: "Comment" }).click();
  };
  const search = async (page, words) => {
    await page.goto(at("/console/"));
    await page.getByRole("searchbox").fill(words);
    await page.getByRole("searchbox").press("Enter");
    await page.waitForURL(/[?&]q=/);
  };

  await test("an admin logs in through the organization's own provider", async () => {
    await through(admin, "ada");
    await admin.getByText("ada@contoso.example").first().waitFor();
  });

  await test("a case is found by the partner's number, and by words of its subject", async () => {
    await search(admin, "partner:1");
    await admin.getByRole("link", { name: "TL-1", exact: true }).waitFor();
    await search(admin, "invoices print");
    await admin.getByRole("link", { name: "TL-1", exact: true }).click();
    await admin.getByRole("heading", { level: 1 }).waitFor();
    assert.match(await admin.getByRole("heading", { level: 1 }).innerText(), /Invoices do not print/);
    await search(admin, "nothing-has-this-word");
    assert.equal(await admin.getByRole("link", { name: "TL-1", exact: true }).count(), 0);
  });

  await test("a change at a desk shows on the open page by itself, within a second of the bridge", async () => {
    await admin.goto(at("/console/cases/TL-1"));
    await admin.evaluate(() => { globalThis.stayed = true; });
    const text = "A word that was said just now.";
    await comment(partner, addresses.partner, 1, "Paul Partner", text, false);
    const said = Date.now();
    await admin.getByText(text).first().waitFor();
    const took = Date.now() - said;
    assert.ok(await admin.evaluate(() => globalThis.stayed), "the page was not loaded again");
    // The desk's webhook, the reading and the record come before it.
    assert.ok(took < 5_000, `it took ${took} ms`);
    console.log(`        seen ${took} ms after it was said`);
  });

  await test("as the partner sees it, the internal note is not there", async () => {
    const note = "contract ends next month";
    await helpdesk.goto(new URL("/tickets/1", addresses.helpdesk).href);
    assert.ok((await helpdesk.content()).includes(note), "home's desk has it");
    await admin.goto(at("/console/cases/TL-1"));
    await admin.getByRole("link", { name: /Fabrikam/ }).filter({ hasNot: admin.locator("svg") }).first().click();
    await admin.waitForURL(/as=fabrikam/);
    await admin.locator("#seen").waitFor();
    for (const never of [note, "Erika Mustermann"]) {
      assert.ok(!(await admin.locator("#seen").innerHTML()).includes(never), `${never} is shown`);
    }
  });

  await test("a guest finds its own requests and nothing of any other", async () => {
    const guest = await (await person())();
    await through(guest, "guest");
    const body = await guest.content();
    assert.ok(!/TL-\d/.test(body) && !body.includes("Northwind product support"), "nothing of home's numbers");
    await guest.locator("main a[href^='/console/requests/']").first().click();
    await guest.getByRole("heading", { level: 1 }).waitFor();
    const request = await guest.content();
    assert.ok(!request.includes("contract ends next month") && !/TL-\d/.test(request));
    for (const path of ["/console/cases/TL-1", "/console/cases/TL-999", "/console/accounts", "/console/parked", "/console/requests/nobody"]) {
      const answer = await guest.goto(at(path));
      assert.ok([403, 404].includes(answer.status()), `${path}: ${answer.status()}`);
    }
    await audit(guest, "a guest's refusal");
    await guest.context().close();
  });

  await test("what is parked is let through by a person", async () => {
    await helpdesk.goto(new URL("/tickets/1", addresses.helpdesk).href);
    const section = form(helpdesk, "Files");
    await section.getByLabel("Your name").fill("Ada Agent");
    await section.getByLabel("File", { exact: true }).setInputFiles({ name: "till.png", mimeType: "image/png", buffer: Buffer.from([137, 80, 78, 71, 0, 1, 2]) });
    await section.getByRole("button", { name: "Attach" }).click();
    await admin.goto(at("/console/parked"));
    const row = admin.locator("main").getByText("TL-1").first();
    await until("it waits for a person", admin, async () => (await row.count()) > 0);
    await audit(admin, "what is parked");
    const retry = admin.getByRole("button", { name: /retry|try again|let through/i }).first();
    if (!(await retry.count())) await admin.locator("main a[href*='parked']").first().click();
    await admin.getByRole("button", { name: /retry|try again|let through/i }).first().click();
    await partner.goto(new URL("/tickets/1", addresses.vendor).href);
    await until("the vendor has the file", partner, async () => (await partner.getByRole("link", { name: "till.png" }).count()) === 1);
  });

  await test("an auditor leaves with evidence that a small verifier checks, and that nobody can change", async () => {
    const auditor = await (await person())();
    await logIn(auditor, at("/console/login"), "auditor", lines);
    await auditor.goto(at("/console/cases/TL-1"));
    const [download] = await Promise.all([auditor.waitForEvent("download"), auditor.getByRole("link", { name: /evidence/i }).first().click()]);
    const file = join(folder, "evidence.tar");
    await download.saveAs(file);
    const key = execFileSync(process.env.THROUGHLINE, ["ledger", "key", "--data", data], { encoding: "utf8" }).trim();
    const verify = (file) => execFileSync("python3", ["../verify.py", "evidence", file, key], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    assert.match(verify(file), /the archive is whole/);
    const bytes = readFileSync(file);
    bytes[Math.floor(bytes.length / 2)] ^= 1;
    writeFileSync(`${file}.changed`, bytes);
    assert.throws(() => verify(`${file}.changed`));
    await auditor.context().close();
  });

  await test("hostile texts are texts on every page", async () => {
    const hostile = [
      "<script>alert(1)</script>", "\"><img src=x onerror=alert(2)>", "'><svg/onload=alert(3)>",
      "[press](javascript:alert(4)) <a href=\"javascript:alert(5)\">press</a>", "</textarea></title><base href=//evil.example/>",
      "![](https://evil.example/pixel.png) {{7*7}} ${7*7}", "\u202Eright to left\u202C \u200Bhidden",
    ].join("\n");
    const title = "<img src=x onerror=alert(6)> \"quoted\" & more";
    await helpdesk.goto(addresses.helpdesk);
    await helpdesk.getByLabel("Your name").fill("<b onclick=alert(7)>Mallory</b>");
    await helpdesk.getByLabel("Title").fill(title);
    await helpdesk.getByLabel("Description").fill(hostile);
    await helpdesk.getByRole("button", { name: "Raise ticket" }).click();
    await helpdesk.getByRole("heading", { level: 1 }).waitFor();
    const number = /tickets\/(\d+)/.exec(helpdesk.url())[1];
    await comment(helpdesk, addresses.helpdesk, number, "\"><script>alert(8)</script>", hostile, false);
    const name = "<img src=x onerror=alert(9)>.html";
    const files = form(helpdesk, "Files");
    await files.getByLabel("Your name").fill("Mallory");
    await files.getByLabel("File", { exact: true }).setInputFiles({ name, mimeType: "text/html", buffer: Buffer.from("<script>alert(10)</script>") });
    await files.getByRole("button", { name: "Attach" }).click();
    await admin.goto(at("/console/"));
    await until("the case is listed", admin, async () => (await admin.getByText(title).count()) > 0);
    for (const path of ["/console/", `/console/cases/helpdesk:${number}`, `/console/cases/helpdesk:${number}?as=fabrikam`]) {
      await admin.goto(at(path));
      await until("all of it is there", admin, async () => (await admin.locator("main").innerText()).includes("<img src=x"));
      assert.equal(await admin.locator("main img, main script, base, main [onclick], main [onerror], main iframe").count(), 0, path);
      assert.equal(await admin.locator("a[href^='javascript:' i], a[href*='evil.example'][rel='']").count(), 0, path);
      await audit(admin, path);
    }
  });

  await test("no page is wider than a phone, and axe finds nothing serious, by day and by night", async () => {
    await look(admin, [
      ["console-cases", at("/console/")],
      ["console-case", at("/console/cases/TL-1")],
      ["console-seen", at("/console/cases/TL-1?as=fabrikam")],
      ["console-parked", at("/console/parked")],
      ["console-connections", at("/console/connections")],
      ["console-agreements", at("/console/agreements")],
      ["console-record", at("/console/record")],
      ["console-accounts", at("/console/accounts")],
    ]);
    await admin.setViewportSize({ width: 1100, height: 900 });
  });

  await test("whoever logs out is out", async () => {
    await admin.goto(at("/console/"));
    await admin.getByRole("button", { name: /log out/i }).click();
    await admin.goto(at("/console/cases/TL-1"));
    await admin.waitForURL(/\/console\/login/, { timeout: PATIENCE });
    await audit(admin, "the login page");
  });

  await test("no script ran and the pages' policy was never hurt", () => {
    assert.deepEqual(dialogs, []);
    assert.deepEqual(violations.filter((text) => !text.includes(new URL(provider.issuer).host)), []);
  });
  await provider.stop();
  return browser;
});
