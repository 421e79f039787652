// @ts-check

/**
 * The version of the site's files, which tools/web/list-files.mjs writes here. Null on a site without its list: nothing is kept there.
 * @type {string | null}
 */
export const VERSION = null;
