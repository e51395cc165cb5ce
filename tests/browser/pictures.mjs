// The README's pictures, taken from the demo: run it when the pages look different. `node pictures.mjs [FOLDER]`, after
// `npm ci`; THROUGHLINE names the binary. It also looks at each page at three widths and in both schemes.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const out = process.argv[2] ?? join(import.meta.dirname, "../../src/console/pictures");
const all = process.env.THROUGHLINE_SCREENSHOTS;
const data = join(await mkdtemp(join(tmpdir(), "throughline-pictures-")), "data");
await mkdir(out, { recursive: true });

const binary = process.env.THROUGHLINE ?? "../../target/debug/throughline";
const demo = spawn(binary, ["demo", "--data", data], { stdio: ["ignore", "pipe", "inherit"] });
const addresses = {};
await new Promise((ready, failed) => {
  demo.once("exit", (code) => failed(new Error(`the demo ended with ${code}`)));
  createInterface({ input: demo.stdout }).on("line", (line) => {
    const [, name, address] = /^(\w+) +(http:\S+)$/.exec(line) ?? [];
    if (name) addresses[name] = address;
    if (line.includes("Ctrl-C ends it")) ready();
  });
});
demo.removeAllListeners("exit");
const bridge = new URL(addresses.bridge).origin;
const authorization = `Bearer ${(await readFile(join(data, "admin.token"), "utf8")).trim()}`;
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });

try {
  const violations = [];
  const visit = async (path, width, colorScheme) => {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, deviceScaleFactor: 1, bypassCSP: false });
    await context.setExtraHTTPHeaders({ authorization });
    const page = await context.newPage();
    page.on("console", (message) => /CSP|Content Security Policy/.test(message.text()) && violations.push(message.text()));
    await page.goto(`${bridge}${path}`, { waitUntil: "load" });
    await page.getByRole("heading", { level: 1 }).first().waitFor();
    return page;
  };
  // What is new shows by itself, and what a reader is doing is left alone.
  const page = await visit("/console/cases/TL-1", 1280, "light");
  await page.getByText("This page stays current by itself.").waitFor();
  await page.locator("#timeline > summary").click();
  const helpdesk = await (await browser.newContext()).newPage();
  await helpdesk.goto(`${addresses.helpdesk}tickets/1`);
  const form = helpdesk.locator("section", { has: helpdesk.getByRole("heading", { name: "Comment", exact: true }) });
  await form.getByLabel("Your name").fill("Ada Agent");
  await form.getByLabel("Text").fill("Version 7.3 is installed in **both** branches. Thank you!");
  await form.getByRole("button", { name: "Comment" }).click();
  await page.locator("#talk").getByText("both branches").waitFor();
  assert.ok(await page.locator("#timeline").evaluate((details) => details.open), "what was folded open stays open");
  await page.locator("#timeline > summary").click();

  const pages = { case: "/console/cases/TL-1", seen: "/console/cases/TL-1?as=fabrikam", list: "/console/", missing: "/console/cases/TL-9" };
  for (const [name, path] of Object.entries(pages)) {
    for (const [width, scheme] of [[1280, "light"], [1280, "dark"], [768, "light"], [360, "light"], [360, "dark"]]) {
      const page = await visit(path, width, scheme);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(wide <= 0, `${name} at ${width} is ${wide} pixels too wide`);
      if (all) await page.screenshot({ path: join(all, `${name}-${width}-${scheme}.png`), fullPage: true });
      const taken = { "case-1280-light": "case", "seen-1280-light": "as-seen-by", "case-360-light": "phone" }[`${name}-${width}-${scheme}`];
      if (taken) await page.screenshot({ path: join(out, `${taken}.png`), clip: { x: 0, y: 0, width, height: width === 360 ? 780 : 860 } });
      await page.evaluate(AXE);
      const { violations: found } = await page.evaluate(() => globalThis.axe.run());
      const serious = found.filter(({ impact }) => ["serious", "critical"].includes(impact));
      const told = serious.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(" ")}`);
      assert.deepEqual(told, [], `axe at ${name} ${width} ${scheme}`);
      await page.context().close();
    }
  }
  assert.deepEqual(violations, []);
  console.log("The pictures are taken.");
} finally {
  await browser.close();
  demo.kill("SIGINT");
  await new Promise((done) => demo.once("exit", done));
  await rm(join(data, ".."), { recursive: true, force: true });
}
