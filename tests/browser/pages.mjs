// What people do at the pages of two practice desks, and what must then be seen at the other one.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PATIENCE = 30_000;
const folder = await mkdtemp(join(tmpdir(), "throughline-browser-"));
const shots = process.env.THROUGHLINE_SCREENSHOTS;

/** Starts the demo and answers its process and the addresses of its desks, once its play is over. */
async function demo() {
  const child = spawn(process.env.THROUGHLINE, ["demo", "--data", join(folder, "data")], { stdio: ["ignore", "pipe", "inherit"] });
  const addresses = {};
  const open = new Promise((ready, failed) => {
    child.once("exit", (code) => failed(new Error(`the demo ended with ${code}`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const [, name, address] = /^(\w+) +(http:\S+)$/.exec(line) ?? [];
      if (name) addresses[name] = address;
      if (line.includes("Ctrl-C ends it")) ready();
    });
  });
  open.catch(() => {});
  return { child, addresses, open };
}

/** Ends a process and waits for it. */
function ended(child) {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  const gone = new Promise((done) => child.once("exit", done));
  child.kill("SIGINT");
  const hard = setTimeout(() => child.kill("SIGKILL"), 15_000);
  return gone.finally(() => clearTimeout(hard));
}

/** Reloads a page until it shows what is awaited. */
async function until(what, page, holds) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    if (await holds()) return;
    assert.ok(Date.now() < end, `it is not so that ${what}`);
    await page.waitForTimeout(100);
    await page.reload();
  }
}

const { child, addresses, open } = await demo();
let browser;
let passed = 0;
let failed = 0;
try {
  await open;
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  const context = await browser.newContext({ viewport: { width: 1100, height: 900 } });
  const violations = [];
  const dialogs = [];
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`));
  });
  const visit = async () => {
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    page.on("console", (message) => /CSP|Content Security Policy/.test(message.text()) && violations.push(message.text()));
    page.on("dialog", (dialog) => { dialogs.push(dialog.message()); return dialog.dismiss(); });
    return page;
  };
  const [home, partner] = [await visit(), await visit()];

  const raise = async (title, description) => {
    await home.goto(addresses.helpdesk);
    await home.getByLabel("Your name").fill("Ada Agent");
    await home.getByLabel("Title").fill(title);
    await home.getByLabel("Description").fill(description);
    await home.getByRole("button", { name: "Raise ticket" }).click();
    await home.getByRole("heading", { level: 1 }).waitFor();
  };
  const openAtPartner = async (title) => {
    await partner.goto(addresses.partner);
    const link = partner.getByRole("link", { name: title, exact: true });
    await until(`the partner has ${title}`, partner, async () => (await link.count()) === 1);
    await link.click();
    await partner.getByRole("heading", { level: 1 }).waitFor();
  };
  const form = (page, heading) => page.locator("section", { has: page.getByRole("heading", { name: heading, exact: true }) });
  const comment = async (page, who, text, internal) => {
    const section = form(page, "Comment");
    await section.getByLabel("Your name").fill(who);
    await section.getByLabel("Text").fill(text);
    if (internal) await section.getByRole("checkbox").check();
    await section.getByRole("button", { name: "Comment" }).click();
    await page.locator("article", { hasText: text.slice(0, 40) }).first().waitFor();
  };
  const audit = async (page, where) => {
    await page.evaluate(AXE);
    const { violations: found } = await page.evaluate(() => globalThis.axe.run());
    const serious = found.filter(({ impact }) => ["serious", "critical"].includes(impact));
    const told = serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
    assert.deepEqual(told, [], `axe at ${where}`);
  };
  const test = async (name, run) => {
    try {
      await run();
      passed += 1;
      console.log(`ok      ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED  ${name}\n${error.stack}`);
    }
  };

  await test("a ticket raised at the helpdesk is seen at the partner", async () => {
    await raise("The till in branch 4 is dark", "Since noon.\nPower is there.");
    await openAtPartner("The till in branch 4 is dark");
    assert.match(await partner.locator("main").innerText(), /Since noon\.\nPower is there\./);
  });

  await test("a public comment crosses, an internal one stays", async () => {
    await comment(home, "Ada Agent", "The customer threatens to leave, keep this here.", true);
    assert.equal(await home.locator("article.internal").count(), 1);
    await comment(home, "Ada Agent", "Which cable shall we try?", false);
    await until("the partner reads it", partner, async () => (await partner.getByText("Which cable shall we try?").count()) === 1);
    assert.doesNotMatch(await partner.content(), /threatens/);
    await comment(partner, "Paul Partner", "The grey one.", false);
    await until("the helpdesk reads the answer", home, async () => (await home.getByText("The grey one.").count()) === 1);
  });

  await test("a status set at the partner is seen at the helpdesk", async () => {
    const section = form(partner, "Change");
    await section.getByLabel("Your name").fill("Paul Partner");
    await section.getByLabel("Status").selectOption("In progress");
    await section.getByRole("button", { name: "Save" }).click();
    await until("the helpdesk sees it", home, async () => (await home.locator(".tag.state").innerText()) === "In progress");
  });

  await test("a file arrives byte for byte under its name", async () => {
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, at) => (at * 31 + (at >> 8)) % 256));
    const name = "Übersicht – 表 (1).bin";
    const section = form(home, "Files");
    await section.getByLabel("Your name").fill("Ada Agent");
    await section.getByLabel("File", { exact: true }).setInputFiles({ name, mimeType: "text/html", buffer: bytes });
    await section.getByRole("button", { name: "Attach" }).click();
    const link = partner.getByRole("link", { name });
    await until("the partner has the file", partner, async () => (await link.count()) === 1);
    const [download] = await Promise.all([partner.waitForEvent("download"), link.click()]);
    assert.equal(download.suggestedFilename(), name);
    assert.ok(bytes.equals(await readFile(await download.path())));
  });

  await test("hostile text is text at both desks", async () => {
    const hostile = [
      "<script>alert(1)</script>",
      "\"><img src=x onerror=alert(2)>",
      "'><svg/onload=alert(3)>",
      "<a href=\"javascript:alert(4)\">press</a> javascript:alert(5)",
      "</textarea></title><base href=//evil.example/>",
      "\u202Eright to left\u202C שלום עולם",
    ].join("\n");
    const title = "<img src=x onerror=alert(6)> \"quoted\" & more";
    await raise(title, hostile);
    await openAtPartner(title);
    await comment(home, "<b onclick=alert(7)>Mallory</b>", hostile, false);
    await until("the comment crosses", partner, async () => (await partner.locator("article").count()) === 1);
    for (const page of [home, partner]) {
      assert.equal(await page.getByRole("heading", { level: 1 }).innerText(), title);
      assert.equal(await page.locator("main img, main svg, main script, main b, base").count(), 0);
      assert.equal(await page.locator("a[href^='javascript:' i]").count(), 0);
      assert.ok((await page.locator("article").innerText()).includes("<script>alert(1)</script>"));
      await audit(page, page.url());
    }
    await partner.goto(addresses.partner);
    assert.equal(await partner.locator("main img").count(), 0);
  });

  await test("ten thousand letters without a space are shown and cross", async () => {
    const long = "x".repeat(10_000);
    await raise("A long one", long);
    await openAtPartner("A long one");
    assert.ok((await partner.locator("main").innerText()).includes(long));
    const overflow = await partner.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `${overflow} px too wide`);
  });

  await test("a refusal is told in words", async () => {
    const answer = await home.goto(new URL("/tickets/4711", addresses.helpdesk).href);
    assert.equal(answer.status(), 422);
    await home.getByText("ticket 4711 is not there").waitFor();
    await audit(home, "a refusal");
  });

  await test("no page is wider than a phone, and axe finds nothing serious, by day and by night", async () => {
    for (const colorScheme of ["light", "dark"]) {
      for (const width of [360, 768, 1280]) {
        await home.emulateMedia({ colorScheme });
        await home.setViewportSize({ width, height: 900 });
        for (const [name, path] of [["list", "/"], ["played", "/tickets/1"], ["ticket", "/tickets/2"], ["hostile", "/tickets/3"], ["long", "/tickets/4"]]) {
          await home.goto(new URL(path, addresses.helpdesk).href);
          const overflow = await home.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert.ok(overflow <= 0, `${path} is ${overflow} px wider than ${width}`);
          if (shots && name !== "long") await home.screenshot({ path: join(shots, `${name}-${width}-${colorScheme}.png`), fullPage: true });
          await audit(home, `${path} at ${width} px, ${colorScheme}`);
        }
      }
    }
  });

  await test("no script ran and the pages' policy was never hurt", () => {
    assert.deepEqual(dialogs, []);
    assert.deepEqual(violations, []);
  });
} catch (error) {
  failed += 1;
  console.log(error.stack);
} finally {
  await browser?.close();
  await ended(child);
  await rm(folder, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
