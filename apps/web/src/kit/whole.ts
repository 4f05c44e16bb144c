/**
 * A validator for forms: returns null when the text or number is whole and within the bounds, else the sentence for its
 * field.
 */
export const whole =
  (low: number, high: number, what: string) =>
  (value: number | string): string | null => {
    const number = Number(value)
    return String(value).trim() !== '' && Number.isInteger(number) && number >= low && number <= high
      ? null
      : `${what} from ${low.toLocaleString('en')} to ${high.toLocaleString('en')}.`
  }
