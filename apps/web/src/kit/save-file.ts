/** Saves a text as a file of the person; nothing leaves the browser. */
export function saveText(name: string, text: string, type = 'text/plain'): void {
  const url = URL.createObjectURL(new Blob([text], { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  document.body.append(link)
  link.click()
  link.remove()
  // the download has begun by then; Safari needs the address a little longer
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}

/** Keeps only characters that every file system takes. */
export const fileNameOf = (name: string, extension: string): string =>
  `${name.replaceAll(/[^\w.-]+/g, '-').replace(/^[.-]+/, '') || 'file'}${extension}`
