'use client'
import { PageError } from '../../kit/PageError.tsx'

/** Shown instead of a page that failed while it was rendered; the shell around it stays. */
export default PageError
