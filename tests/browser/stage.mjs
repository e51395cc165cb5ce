// The demo on stage, and a browser in front of it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
export const PATIENCE = 30_000;
export const shots = process.env.THROUGHLINE_SCREENSHOTS;
export const folder = await mkdtemp(join(tmpdir(), "throughline-browser-"));

/** Starts the demo and answers its process, what it printed, and the addresses of its desks, once its play is over. */
export async function demo(...options) {
  const data = join(folder, "data");
  const child = spawn(process.env.THROUGHLINE, ["demo", "--data", data, ...options], { stdio: ["ignore", "pipe", "inherit"] });
  const addresses = {};
  const lines = [];
  const open = new Promise((ready, failed) => {
    child.once("exit", (code) => failed(new Error(`the demo ended with ${code}`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      lines.push(line);
      const [, name, address] = /^(\w+) +(http:\S+)$/.exec(line) ?? [];
      if (name) addresses[name] = address;
      if (line.includes("Ctrl-C ends it")) ready();
    });
  });
  open.catch(() => {});
  return { child, data, addresses, lines, open };
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
export async function until(what, page, holds) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    if (await holds()) return;
    assert.ok(Date.now() < end, `it is not so that ${what}`);
    await page.waitForTimeout(100);
    await page.reload();
  }
}

/** A browser that tells what its pages' policy forbade, and whether a script asked anything. */
export async function enter() {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  const violations = [];
  const dialogs = [];
  const person = async () => {
    const context = await browser.newContext({ viewport: { width: 1100, height: 900 } });
    await context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`));
    });
    return async () => {
      const page = await context.newPage();
      page.setDefaultTimeout(PATIENCE);
      page.on("console", (message) => /CSP|Content Security Policy/.test(message.text()) && violations.push(message.text()));
      page.on("dialog", (dialog) => { dialogs.push(dialog.message()); return dialog.dismiss(); });
      return page;
    };
  };
  return { browser, person, violations, dialogs };
}

/** Logs in under a name of the demo, whose password stands in the lines that it printed. */
export async function logIn(page, login, name, lines) {
  const password = lines.map((line) => / the password of each is (\S+)/.exec(line)?.[1]).find(Boolean);
  await page.goto(login);
  await page.getByLabel(/name/i).fill(name);
  await page.getByLabel(/password/i).fill(password);
  await page.getByRole("button", { name: "Log in", exact: true }).click();
  await page.waitForURL(/\/console\/$/);
}

/** axe finds nothing serious on a page. */
export async function audit(page, where) {
  await page.evaluate(AXE);
  const { violations: found } = await page.evaluate(() => globalThis.axe.run());
  const serious = found.filter(({ impact }) => ["serious", "critical"].includes(impact));
  const told = serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  assert.deepEqual(told, [], `axe at ${where}`);
}

/** No page is wider than its window, and axe finds nothing serious, by day and by night, at three widths. */
export async function look(page, pages, widths = [360, 768, 1280]) {
  for (const colorScheme of ["light", "dark"]) {
    for (const width of widths) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 900 });
      for (const [name, address] of pages) {
        await page.goto(address);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(overflow <= 0, `${address} is ${overflow} px wider than ${width}`);
        if (shots && name) await page.screenshot({ path: join(shots, `${name}-${width}-${colorScheme}.png`), fullPage: true });
        await audit(page, `${address} at ${width} px, ${colorScheme}`);
      }
    }
  }
}

/** Plays tests one after the other and ends the process with how they went. */
export async function play(child, tests) {
  let passed = 0;
  let failed = 0;
  let browser;
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
  try {
    browser = await tests(test);
  } catch (error) {
    failed += 1;
    console.log(error.stack);
  } finally {
    await browser?.close();
    await ended(child);
    await rm(folder, { recursive: true, force: true });
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed || !passed ? 1 : 0);
}
