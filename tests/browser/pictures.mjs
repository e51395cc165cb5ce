// The README's pictures, taken from the demo: run it when the pages look different. `node pictures.mjs [FOLDER]`, after
// `npm ci`; THROUGHLINE names the binary.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { demo, enter, logIn, play } from "./stage.mjs";

const out = process.argv[2] ?? join(import.meta.dirname, "../../src/console/pictures");
await mkdir(out, { recursive: true });
const { child, addresses, lines, open } = await demo();

await play(child, async (test) => {
  await open;
  const { browser, person } = await enter();
  const page = await (await person())();
  const at = (path) => new URL(path, addresses.console).href;
  await logIn(page, at("/console/login"), "admin", lines);
  const pictures = [
    ["case", "/console/cases/TL-1", 1280, 860],
    ["as-seen-by", "/console/cases/TL-1?as=fabrikam", 1280, 860],
    ["phone", "/console/cases/TL-1", 360, 780],
  ];
  for (const [name, path, width, height] of pictures) {
    await test(`${name}.png is taken`, async () => {
      await page.setViewportSize({ width, height });
      await page.goto(at(path));
      await page.getByRole("heading", { level: 1 }).first().waitFor();
      await page.screenshot({ path: join(out, `${name}.png`) });
    });
  }
  return browser;
});
