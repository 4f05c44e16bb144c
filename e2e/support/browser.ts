import fs from 'node:fs'

const shell = '/usr/lib/chromium/chromium-headless-shell'

/**
 * Debian's browser without a window, because drawing a window takes two fifths of the processor
 * time. A machine that has only the whole browser is tested with the whole browser.
 */
export const browserProgram = fs.existsSync(shell) ? shell : '/usr/bin/chromium'
