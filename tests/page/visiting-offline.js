// Runs in the page under test, in browsers that nothing drives. After each visit it tells the test what it has seen, and goes on to
// the next visit when the test has answered.

const COLLECTOR = "collector of the test";
const errors = [];
addEventListener("error", ({ message }) => errors.push(message));
addEventListener("unhandledrejection", ({ reason }) => errors.push(String(reason)));

const until = async (condition) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 50));
};

const visit = Number(new URL(location.href).searchParams.get("visit") ?? 1);
await until(() => window.bert8?.int8);
const { labelId } = await window.bert8.int8.classify("How old are you?", "What is your age?");
const line = document.getElementById("offline");
await until(() => /^(Available|Not available)/.test(line.textContent));
const said = { visit, title: document.title, labelId, line: line.textContent, isolated: crossOriginIsolated, errors };
await fetch(COLLECTOR, { method: "POST", body: JSON.stringify(said) });
location.href = `?load=int8&visit=${visit + 1}`;
