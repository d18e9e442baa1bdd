// The chat example in a real browser.
//
//   node chat_page.mjs --list                       the names, as a JSON array
//   node chat_page.mjs EXAMPLE CHROMIUM [NAME]      one case, or all; each starts the example anew

import { chromium } from "playwright-core";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { equal, ok, within } from "./lib.mjs";

const [example, browserPath, only] = process.argv.slice(2);
const pictures = process.env.HUB_SCREENSHOTS;

class Example {
  static async start(address = "127.0.0.1:0") {
    const process = spawn(example, [address], { stdio: ["ignore", "pipe", "ignore"] });
    const line = await within(new Promise((done) => createInterface(process.stdout).once("line", done)), "the address");
    return new Example(process, line.match(/^Listening on (http:\/\/\S+)$/)[1]);
  }

  constructor(process, url) {
    this.process = process;
    this.url = url;
    this.ended = new Promise((done) => process.once("exit", (code, signal) => done({ code, signal })));
  }
}

class Stage {
  async open() {
    this.example = await Example.start();
    this.browser = await chromium.launch({
      executablePath: browserPath,
      args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    });
  }

  // Somebody at the page, with a window of their own.
  async person(name, room, options = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1100, height: 720 }, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(8000);
    const problems = [];
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("dialog", (dialog) => { problems.push(dialog.message()); dialog.dismiss(); });
    await page.goto(this.example.url);
    if (name) {
      await page.getByLabel("Your name").fill(name);
      await page.getByLabel("Room").fill(room);
      await page.getByRole("button", { name: "Join" }).click();
      await see(page, "#status", "Connected");
    }
    return Object.assign(page, { problems });
  }

  async picture(page, name) {
    if (pictures) await page.screenshot({ path: join(pictures, `${name}.png`) });
  }

  async close() {
    await this.browser?.close();
    this.example?.process.kill("SIGKILL");
  }
}

// Waits until the element shows the text.
const see = (page, selector, text) =>
  page.waitForFunction(([selector, text]) => {
    const element = document.querySelector(selector);
    return element?.checkVisibility() && element.innerText.includes(text);
  }, [selector, text], { timeout: 8000 }).catch(async () => {
    const shown = await page.locator(selector).innerText().catch(() => "nothing");
    throw new Error(`${selector} should show ${JSON.stringify(text)} and shows ${JSON.stringify(shown)}`);
  });

const names = (page) => page.locator("#roster .label").allInnerTexts();

async function roster(page, expected) {
  await page.waitForFunction((expected) =>
    [...document.querySelectorAll("#roster .label")].map((label) => label.innerText).join() === expected, expected.join(),
  { timeout: 8000 }).catch(async () => equal(await names(page), expected, "roster"));
}

async function say(page, text) {
  const message = page.getByLabel("Message", { exact: true });
  await message.fill(text);
  await message.press("Enter");
}

const cases = {
  async two_people_talk(stage) {
    const ann = await stage.person("Ann", "garden");
    await roster(ann, ["Ann"]);
    await see(ann, "#count", "1 online");
    const ben = await stage.person("Ben", "garden");
    for (const page of [ann, ben]) {
      await see(page, "#room-name", "garden");
      await roster(page, ["Ann", "Ben"]);
      await see(page, "#count", "2 online");
    }
    await see(ann, "#log", "Ben joined.");
    equal(await ben.evaluate(() => document.activeElement.id), "text", "focus after joining");
    await say(ann, "Hello, garden!");
    await say(ben, "Hello, Ann.");
    for (const page of [ann, ben]) {
      await see(page, "#log", "Hello, garden!");
      await see(page, "#log", "Hello, Ann.");
    }
    equal(await ann.getByLabel("Message", { exact: true }).inputValue(), "", "the text after sending");
    await stage.picture(ann, "chat-two-people");
    for (const page of [ann, ben]) equal(page.problems, [], "problems of the page");
  },

  async rooms_are_separate(stage) {
    const [ann, ben] = [await stage.person("Ann", "garden"), await stage.person("Ben", "attic")];
    await roster(ann, ["Ann"]);
    await roster(ben, ["Ben"]);
    await see(ann, "#count", "2 online");
    await say(ann, "Anybody here?");
    await say(ben, "Quiet up here.");
    await see(ann, "#log", "Anybody here?");
    await see(ben, "#log", "Quiet up here.");
    ok(!(await ben.locator("#log").innerText()).includes("Anybody"), "heard in another room");
  },

  async private_messages_have_one_receiver(stage) {
    const [ann, ben, cleo] = [await stage.person("Ann", "garden"), await stage.person("Ben", "garden"), await stage.person("Cleo", "garden")];
    await roster(ann, ["Ann", "Ben", "Cleo"]);
    await ann.getByRole("button", { name: "Write to Ben privately" }).click();
    await see(ann, "#private", "Privately to Ben");
    await say(ann, "Psst, Ben.");
    await see(ben, "#log .whisper", "Psst, Ben.");
    await see(ben, "#log .whisper", "privately to you");
    await see(ann, "#log .whisper", "privately to Ben");
    await ann.getByRole("button", { name: "Back to everyone" }).click();
    await say(ann, "Good morning, all.");
    await see(cleo, "#log", "Good morning, all.");
    ok(!(await cleo.locator("#log").innerText()).includes("Psst"), "Cleo saw a private message");
    await stage.picture(ben, "chat-private");
  },

  async who_leaves_is_seen_to_leave(stage) {
    const [ann, ben] = [await stage.person("Ann", "garden"), await stage.person("Ben", "garden")];
    await roster(ann, ["Ann", "Ben"]);
    await ben.close();
    await roster(ann, ["Ann"]);
    await see(ann, "#count", "1 online");
    await see(ann, "#log", "Ben left.");
    const again = await stage.person("Ben", "garden");
    await again.getByRole("button", { name: "Leave" }).click();
    await see(again, "#entry", "Hubline chat");
    await roster(ann, ["Ann"]);
  },

  async two_windows_are_one_person(stage) {
    const [ann, one, two] = [await stage.person("Ann", "garden"), await stage.person("Ben", "garden"), await stage.person("Ben", "garden")];
    await see(ann, "#count", "3 online");
    await roster(ann, ["Ann", "Ben"]);
    await ann.getByRole("button", { name: "Write to Ben privately" }).click();
    await say(ann, "To both windows.");
    for (const page of [one, two]) await see(page, "#log .whisper", "To both windows.");
    await one.close();
    await see(ann, "#count", "2 online");
    await roster(ann, ["Ann", "Ben"]);
  },

  async what_people_write_is_text(stage) {
    const markup = `<img src=x onerror="alert('bad')"> & <b>bold</b>`;
    const [ann, ben] = [await stage.person("<b>Ann</b>", "<i>garden</i>"), await stage.person("Ben", "<i>garden</i>")];
    await roster(ben, ["<b>Ann</b>", "Ben"]);
    await say(ann, markup);
    await see(ben, "#log", markup);
    await see(ben, "#room-name", "<i>garden</i>");
    equal(await ben.locator("#log img, #log b b, #roster b").count(), 0, "elements made of text");
    for (const page of [ann, ben]) equal(page.problems, [], "problems of the page");
  },

  async a_name_is_needed(stage) {
    const page = await stage.person();
    equal(await page.evaluate(() => document.activeElement.id), "name", "focus");
    await page.getByLabel("Your name").fill("   ");
    await page.getByRole("button", { name: "Join" }).click();
    await see(page, "#entry-error", "Choose another name.");
    await stage.picture(page, "chat-entry");
  },

  async without_the_client_it_says_what_to_run(stage) {
    const page = await (await stage.browser.newContext()).newPage();
    await page.route("**/signalr.js", (route) => route.fulfill({ status: 404, body: "Not found." }));
    await page.goto(stage.example.url);
    await see(page, "#entry-error", "The SignalR client is missing. Run “npm ci” in tests/interop and reload this page.");
    ok(await page.getByRole("button", { name: "Join" }).isDisabled(), "Join is enabled");
  },

  async an_interrupt_lets_people_come_back(stage) {
    const [ann, ben] = [await stage.person("Ann", "garden"), await stage.person("Ben", "garden")];
    await roster(ann, ["Ann", "Ben"]);
    await ann.getByLabel("Message", { exact: true }).fill("half a sen");
    stage.example.process.kill("SIGINT");
    for (const page of [ann, ben]) await see(page, "#status", "Reconnecting…");
    await see(ann, "#notice", "The connection was lost. Reconnecting…");
    await stage.picture(ann, "chat-reconnecting");
    equal(await within(stage.example.ended, "the end of the example", 5000), { code: 0, signal: null }, "exit");
    ok(await ann.getByRole("button", { name: "Send" }).isDisabled(), "Send is enabled while reconnecting");

    stage.example = await Example.start(new URL(stage.example.url).host);
    for (const page of [ann, ben]) {
      await see(page, "#status", "Connected");
      await roster(page, ["Ann", "Ben"]);
    }
    equal(await ann.getByLabel("Message", { exact: true }).inputValue(), "half a sen", "the text being written");
    await ann.getByLabel("Message", { exact: true }).press("Enter");
    await see(ben, "#log", "half a sen");
  },

  async files_have_their_types(stage) {
    for (const [path, status, type] of [
      ["/", 200, "text/html; charset=utf-8"],
      ["/?any=query", 200, "text/html; charset=utf-8"],
      ["/style.css", 200, "text/css; charset=utf-8"],
      ["/chat.js", 200, "text/javascript; charset=utf-8"],
      ["/signalr.js", 200, "text/javascript; charset=utf-8"],
      ["/chat.rs", 404, "text/plain; charset=utf-8"],
      ["/%2e%2e/chat.rs", 404, "text/plain; charset=utf-8"],
      ["/chat/..%2fchat.rs", 404, "text/plain; charset=utf-8"],
    ]) {
      const answer = await fetch(stage.example.url + path);
      equal([answer.status, answer.headers.get("content-type")], [status, type], path);
      await answer.text();
    }
  },

  async it_fits_small_and_dark_screens(stage) {
    for (const [name, options] of [
      ["narrow", { viewport: { width: 360, height: 640 } }],
      ["dark", { colorScheme: "dark" }],
    ]) {
      const page = await stage.person("Ann", "garden", options);
      await say(page, "A long line with_a_word_that_does_not_break_" + "x".repeat(200));
      await see(page, "#log", "A long line");
      const wider = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      equal(wider, false, `${name}: wider than the screen`);
      ok(await page.getByRole("button", { name: "Send" }).isVisible(), `${name}: no Send`);
      await stage.picture(page, `chat-${name}`);
      await page.close();
    }
  },
};

if (example === "--list") {
  console.log(JSON.stringify(Object.keys(cases)));
} else {
  for (const [name, run] of Object.entries(cases)) {
    if (only && name !== only) continue;
    const stage = new Stage();
    try {
      await stage.open();
      await within(run(stage), "the case", 50_000);
      console.log(`ok ${name}`);
    } catch (error) {
      console.log(`not ok ${name}: ${error.stack}`);
      process.exitCode = 1;
    } finally {
      await stage.close();
    }
  }
  process.exit();
}
