import { preferenceKey } from './own-storage.ts'

/** The ID of the style sheet that hides columns until the lists know themselves which they show. */
export const hiddenColumnsId = 'hidden-columns'

/**
 * Returns the script that applies this person's density and choice of columns to the HTML, so that nothing moves when
 * the portal's own scripts have loaded. A choice that cannot be read is ignored, as kit/columns.ts does.
 */
export const beforePaint = (userId: string): string => `{
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
