'use client'
import { PageError } from '../kit/PageError.tsx'

/** Shown when the shell itself failed while it was rendered. */
export default PageError
