// Opens the benchmark's page.

/** Opens the page in its own process. */
export async function openPage(browser, origin) {
  const page = await (await browser.newContext()).newPage();
  await page.goto(`${origin}/bench/index.html`);
  await page.waitForFunction(() => globalThis.bench);
  return page;
}
