// The operations page in a real browser: what an operator sees and does, and what clients of the API get meanwhile.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";

const { API, OPERATIONS, TOKEN, CAR, MODULES, CHROMIUM, PICTURES } = process.env;
const { chromium } = createRequire(join(MODULES, "here"))("playwright-core");

/** Asks the API as the client at an address, which the server believes of its proxy. */
function ask(path, client, headers = {}) {
  return fetch(API + path, { headers: { "x-forwarded-for": client, ...headers } });
}

/** Tries until it holds, or gives up after ten seconds. */
async function eventually(what, holds) {
  for (const started = Date.now(); Date.now() - started < 10_000; ) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`never: ${what}`);
}

const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
});
const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
page.setDefaultTimeout(10_000);
const complaints = [];
page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
page.on("pageerror", (error) => complaints.push(String(error)));
page.on("request", (request) => {
  const url = request.url();
  if (!url.startsWith(OPERATIONS) && !url.startsWith("data:")) complaints.push(`request to ${url}`);
});
const row = (table, text) => page.locator(`#${table} tbody tr`, { hasText: text });
const card = (name) => page.locator(`#cards [data-name="${name}"] dd`);

const steps = {
  async "the page is live, and read-only without the token"() {
    await page.goto(OPERATIONS);
    await page.locator("#connection[data-state=live]").waitFor();
    assert.equal(await page.locator("[data-admin]:not(:disabled)").count(), 0);
    assert.ok((await page.locator("[data-admin]:disabled").count()) >= 10);
  },

  async "figures move under load"() {
    assert.equal(await card("Requests a second").textContent(), "0");
    for (let n = 0; n < 40; n += 1) await ask("/api/v1/fleet", `198.51.100.${n}`);
    await eventually("requests are shown", async () => parseFloat(await card("Requests a second").textContent()) > 0);
    await eventually("hits are shown", async () => parseFloat(await card("Hit rate").textContent()) > 85);
    await eventually("saved queries are shown", async () => parseInt(await card("Reads without a query").textContent(), 10) >= 30);
    await page.locator("[data-chart=times] summary").click();
    await page.locator("[data-chart=times] details tr", { hasText: "/api/v1/fleet" }).waitFor();
  },

  async "an error is found by its trace id"() {
    await ask("/api/v1/cars/none", "198.51.100.1", { "x-trace-id": "a-trace-to-find" });
    await ask("/api/v1/cars/none", "198.51.100.1", { "x-trace-id": "another-trace" });
    await row("failures", "another-trace").waitFor();
    await page.locator("#trace").fill("to-find");
    await row("failures", "a-trace-to-find").waitFor();
    assert.equal(await row("failures", "another-trace").count(), 0);
  },

  async "a wrong token unlocks nothing and the right one does, by keyboard"() {
    await page.locator("#token").focus();
    await page.keyboard.type("a".repeat(32));
    await page.keyboard.press("Enter");
    await page.locator("#message", { hasText: "not the admin token" }).waitFor();
    assert.equal(await page.locator("[data-admin]:not(:disabled)").count(), 0);
    // The browser itself reports the refusal on its console.
    assert.match(complaints.splice(0).join(), /401/);
    await page.locator("#token").focus();
    await page.keyboard.type(TOKEN);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Space");
    await page.locator("#mode", { hasText: "changes allowed" }).waitFor();
    assert.equal(await page.locator("[data-admin]:disabled").count(), 0);
    assert.equal(await page.locator("#message").isVisible(), false);
  },

  async "a client who was refused is blocked with its button, and keeps the focus meanwhile"() {
    const client = "203.0.113.9";
    for (let n = 0; n < 62; n += 1) await ask("/api/v1/fleet", client);
    const block = row("refused", client).getByRole("button");
    await block.focus();
    const before = await card("Database queries").textContent();
    await ask("/readyz", client);
    await eventually("the page has changed", async () => (await card("Database queries").textContent()) !== before);
    assert.equal(await block.evaluate((button) => document.activeElement === button), true);
    await page.keyboard.press("Enter");
    await row("bans", client).waitFor();
    const refused = await ask("/api/v1/fleet", client);
    assert.equal(refused.status, 429);
    // The limit alone would let it come back within its window.
    assert.ok(Number(refused.headers.get("retry-after")) > 600);
  },

  async "a client is refused from block to lift"() {
    const client = "203.0.113.10";
    assert.equal((await ask("/api/v1/fleet", client)).status, 200);
    const form = page.locator("[data-order=ban]");
    await form.getByLabel("Client").fill(client);
    await form.getByLabel("Why").fill("a test");
    await form.getByRole("button").click();
    await row("bans", `${client}/32`).filter({ hasText: "a test" }).waitFor();
    assert.equal((await ask("/api/v1/fleet", client)).status, 429);
    await row("bans", client + "/").getByRole("button").click();
    await row("bans", client + "/").waitFor({ state: "detached" });
    assert.equal((await ask("/api/v1/fleet", client)).status, 200);
    await row("events", "lifted").waitFor();
  },

  async "a client is let through, and given another limit"() {
    await page.locator("[data-order=allow]").getByLabel("Client").fill("203.0.113.11");
    await page.locator("[data-order=allow]").getByRole("button").click();
    await row("allowed", "203.0.113.11").waitFor();
    const free = await ask("/api/v1/fleet", "203.0.113.11");
    assert.equal(free.headers.get("x-ratelimit-limit"), null);
    const form = page.locator("[data-order=override]");
    await form.getByLabel("Client").fill("203.0.113.12");
    await form.getByLabel("Times").fill("0.5");
    await form.getByRole("button").click();
    await row("overrides", "203.0.113.12").waitFor();
    const halved = await ask("/api/v1/fleet", "203.0.113.12");
    assert.equal(halved.headers.get("x-ratelimit-limit"), "30");
  },

  async "a tag is purged"() {
    const path = `/api/v1/cars/${CAR}`;
    await eventually("the car is kept", async () => (await ask(path, "198.51.100.60")).headers.get("x-cache") === "HIT");
    await page.locator("#purge-tag").getByLabel("Tag").fill(`car:${CAR}`);
    await page.locator("#purge-tag").getByRole("button").click();
    await eventually("the car is gone", async () => (await ask(path, "198.51.100.61")).headers.get("x-cache") === "MISS");
  },

  async "a policy, an event and everything are purged"() {
    const path = `/api/v1/cars/${CAR}`;
    const kept = (client) =>
      eventually("the car is kept", async () => (await ask(path, client)).headers.get("x-cache") === "HIT");
    const gone = (client) =>
      eventually("the car is gone", async () => (await ask(path, client)).headers.get("x-cache") === "MISS");
    await kept("198.51.100.62");
    await page.locator("#policies tr", { has: page.getByText("car", { exact: true }) }).getByRole("button", { name: "Purge" }).click();
    await gone("198.51.100.63");
    await kept("198.51.100.64");
    await page.locator("#purge-event").getByLabel("Event").selectOption("car.updated");
    await page.locator("#purge-event").getByLabel("of car").fill(CAR);
    await page.locator("#purge-event").getByRole("button").click();
    await gone("198.51.100.65");
    await kept("198.51.100.66");
    await page.locator("#purge-all").click();
    await page.locator("#confirm").getByText("Do it").click();
    await gone("198.51.100.67");
  },

  async "a policy is off, in force for a part of the keys, tried out, and on again"() {
    const policy = page.locator("#policies tr", { has: page.getByText("car", { exact: true }) });
    const cached = async () => (await ask(`/api/v1/cars/${CAR}`, "198.51.100.71")).headers.has("x-cache");
    const set = () => policy.getByRole("button", { name: /^Set/ }).click();
    await policy.getByRole("combobox").selectOption("off");
    await set();
    await policy.getByRole("cell", { name: "off", exact: true }).waitFor();
    assert.equal(await cached(), false);
    await policy.getByRole("combobox").selectOption("percentage");
    await policy.getByRole("spinbutton").fill("100");
    await set();
    await policy.getByText("on for 100 %").waitFor();
    assert.equal(await cached(), true);
    await policy.getByRole("combobox").selectOption("shadow");
    await set();
    await policy.getByRole("cell", { name: "shadow", exact: true }).waitFor();
    assert.equal(await cached(), false);
    await eventually("answers are compared", async () => {
      await ask(`/api/v1/cars/${CAR}`, "203.0.113.11");
      return (await policy.getByText(/^100 % of \d+$/).count()) === 1;
    });
    await policy.getByRole("button", { name: /^Reset/ }).click();
    await policy.getByText("start", { exact: true }).waitFor();
    assert.equal(await policy.getByRole("combobox").inputValue(), "on");
    assert.equal(await cached(), true);
  },

  async "a limit only watches, and refuses again"() {
    const limit = page.locator("#limits tr", { has: page.getByText("public", { exact: true }) });
    const admits = async () => (await ask("/api/v1/fleet", "198.51.100.72")).headers.get("x-ratelimit-limit");
    assert.equal(await admits(), "60");
    await limit.getByRole("combobox").selectOption("shadow");
    await limit.getByRole("button", { name: /^Set/ }).click();
    await limit.getByRole("cell", { name: "shadow", exact: true }).waitFor();
    assert.equal(await admits(), null);
    await limit.getByRole("button", { name: /^Reset/ }).click();
    await limit.getByRole("cell", { name: "enforce", exact: true }).waitFor();
    assert.equal(await admits(), "60");
  },

  async "a feature is turned off and really is, and rolled back by keyboard"() {
    const cached = async () => (await ask("/api/v1/fleet", "198.51.100.70")).headers.has("x-cache");
    assert.equal(await cached(), true);
    const flag = row("flags", "redis-cache");
    await flag.getByRole("spinbutton").fill("0");
    await flag.getByRole("button", { name: /^Set/ }).click();
    await flag.getByText("operator", { exact: true }).waitFor();
    await flag.getByText("0 %", { exact: true }).waitFor();
    assert.equal(await cached(), false);
    await flag.getByRole("button", { name: /^Reset/ }).click();
    await flag.getByText("start", { exact: true }).waitFor();
    await flag.getByText("100 %", { exact: true }).waitFor();
    assert.equal(await cached(), true);

    await page.locator("#rollback").focus();
    await page.keyboard.press("Enter");
    // What is harmless has the focus.
    await page.keyboard.press("Enter");
    await page.locator("#confirm").waitFor({ state: "hidden" });
    assert.equal(await cached(), true);
    await page.locator("#rollback").focus();
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    for (const feature of ["redis-cache", "rate-limiting", "new-error-handler"]) {
      await row("flags", feature).getByText("0 %", { exact: true }).waitFor();
      assert.equal(await row("flags", feature).getByRole("spinbutton").inputValue(), "0");
    }
    const plain = await ask("/api/v1/fleet", "203.0.113.9");
    assert.equal(plain.status, 200);
    assert.equal(plain.headers.has("x-cache") || plain.headers.has("x-ratelimit-limit"), false);
  },

  async "it is readable in the light and in the dark"() {
    const seen = [];
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(PICTURES, `${colorScheme}.png`), fullPage: true });
      const contrast = await page.evaluate(() => {
        const luminance = (colour) => {
          const [r, g, b] = colour.match(/[\d.]+/g).slice(0, 3).map((part) => {
            const value = part / 255;
            return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
          });
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const back = luminance(getComputedStyle(document.querySelector("section")).backgroundColor);
        const texts = [...document.querySelectorAll("h2, th, td, dt, dd, button")];
        const ratios = texts.map((text) => {
          const [high, low] = [luminance(getComputedStyle(text).color), back].sort((a, b) => b - a);
          return (high + 0.05) / (low + 0.05);
        });
        return { back, worst: Math.min(...ratios) };
      });
      // WCAG 2.2, success criterion 1.4.3.
      assert.ok(contrast.worst >= 4.5, `${colorScheme}: ${contrast.worst}`);
      seen.push(contrast.back);
    }
    assert.ok(seen[0] > 0.8 && seen[1] < 0.1, String(seen));
  },

  async "nothing went wrong unseen, and nothing left for elsewhere"() {
    assert.deepEqual(complaints, []);
  },
};

try {
  for (const [name, step] of Object.entries(steps)) {
    try {
      await step();
    } catch (error) {
      await page.screenshot({ path: join(PICTURES, "failed.png"), fullPage: true });
      error.message = `${name}: ${error.message}`;
      throw error;
    }
  }
} finally {
  await browser.close();
}
