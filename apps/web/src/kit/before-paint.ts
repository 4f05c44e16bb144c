import { preferenceKey } from './own-storage.ts'

/** The ID of the style sheet that hides columns until the lists know themselves which they show. */
export const hiddenColumnsId = 'hidden-columns'

/**
 * The part of the script that renames the keys of preferences that older versions of the portal have stored among what
 * is personal, and which would be removed from there (kit/own-storage.ts). It runs before anything reads or removes
 * them, and renames those of everybody, because another person may sign in first. A newer choice stays.
 */
const takeOver = `for (const key of Object.keys(localStorage)) {
const [, user, name] = /^stratolith\\.own (\\S+) (density|projects|columns .+|operations\\.seen .+)$/.exec(key) ?? [];
if (!name) continue;
const value = localStorage.getItem(key);
localStorage.removeItem(key);
const put = (to, text) => localStorage.getItem(to) === null && localStorage.setItem(to, text);
if (name !== 'projects') { put('stratolith.preference ' + user + ' ' + name, value); continue }
let old = null;
try { old = JSON.parse(value) } catch { old = null }
if (old?.pinned) put('stratolith.preference ' + user + ' projects.pinned', JSON.stringify(old.pinned));
if (old?.recent) put('stratolith.own ' + user + ' projects.recent', JSON.stringify(old.recent));
}`

/**
 * Returns the script that applies this person's density and choice of columns to the HTML, so that nothing moves when
 * the portal's own scripts have loaded. A choice that cannot be read is ignored, as kit/columns.ts does.
 */
export const beforePaint = (userId: string): string => `{
${takeOver}
const density = localStorage.getItem(${quoted(preferenceKey(userId, 'density'))});
document.documentElement.dataset.density = density === 'comfortable' ? density : 'compact';
const prefix = ${quoted(preferenceKey(userId, 'columns '))};
const hidden = Object.keys(localStorage).filter((key) => key.startsWith(prefix)).flatMap((key) => {
  let ids = [];
  try { ids = JSON.parse(localStorage.getItem(key)) } catch { ids = [] }
  const list = CSS.escape(key.slice(prefix.length));
  return Array.isArray(ids) ? ids.map((id) => '[data-list=' + list + '] [data-column=' + CSS.escape(id) + ']') : [];
});
if (hidden.length > 0) {
  const style = document.createElement('style');
  style.id = '${hiddenColumnsId}';
  style.textContent = hidden.join(',') + '{display:none}';
  document.head.append(style);
}
}`

const quoted = (text: string): string => JSON.stringify(text).replaceAll('<', '\\u003c')
