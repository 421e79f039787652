// @ts-check
// A classic script, which runs where modules do not: it says so when the page's own scripts cannot start.
{
  const show = (/** @type {string} */ id) => {
    const notice = /** @type {HTMLElement} */ (document.getElementById(id));
    for (const part of /** @type {HTMLElement} */ (notice.parentElement).children) /** @type {HTMLElement} */ (part).hidden = part !== notice;
  };
  const showOnceParsed = (/** @type {string} */ id) => {
    if (document.readyState === "loading") addEventListener("DOMContentLoaded", () => show(id));
    else show(id);
  };
  const onDisk = location.protocol === "file:";
  if (onDisk) showOnceParsed("on-disk");
  const onError = (/** @type {Event} */ { target }) => {
    if (!onDisk && target instanceof HTMLScriptElement && target.type === "module") showOnceParsed("not-started");
  };
  addEventListener("error", onError, { capture: true });
}
