// What people do at the pages of two practice desks, and what must then be seen at the other one.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { audit, demo, enter, look, play, until } from "./stage.mjs";

const { child, addresses, open } = await demo();
await play(child, async (test) => {
  await open;
  const { browser, person, violations, dialogs } = await enter();
  const visit = await person();
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
  await test("a ticket raised at the helpdesk is seen at the partner", async () => {
    await raise("The till in branch 4 is dark", "Since noon.\nPower is there.");
    await openAtPartner("The till in branch 4 is dark");
    assert.match(await partner.locator("main").innerText(), /Since noon\.\nPower is there\./);
  });

  await test("a public comment crosses, an internal one stays", async () => {
    await comment(home, "Ada Agent", "The customer threatens to leave, keep this here.", true);
    assert.equal(await home.locator("article.internal").count(), 1);
    await comment(home, "Ada Agent", "Which cable shall we try?", false);
    await until("the partner reads it", partner, async () => (await partner.locator("article").getByText("Which cable shall we try?").count()) === 1);
    assert.doesNotMatch(await partner.content(), /threatens/);
    await comment(partner, "Paul Partner", "The grey one.", false);
    await until("the helpdesk reads the answer", home, async () => (await home.locator("article").getByText("The grey one.").count()) === 1);
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
    const pages = [["list", "/"], ["played", "/tickets/1"], ["ticket", "/tickets/2"], ["hostile", "/tickets/3"], ["", "/tickets/4"]];
    await look(home, pages.map(([name, path]) => [name, new URL(path, addresses.helpdesk).href]));
  });

  await test("no script ran and the pages' policy was never hurt", () => {
    assert.deepEqual(dialogs, []);
    assert.deepEqual(violations, []);
  });
  return browser;
});
