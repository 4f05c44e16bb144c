/** Whether a text can be the id of a thing; PostgreSQL refuses a comparison of ids with any other text. */
export const isUuid = (text: string): boolean => /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text)
