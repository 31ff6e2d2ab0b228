/** What was made of texts lately; a mapping has a few, and is compiled again whenever a table changes its form. */
const MOST = 1_000;

/** The same function of a text, which makes what it gives of each text once, as long as there are not too many of them. */
export function byText<T>(make: (text: string) => T): (text: string) => T {
  const made = new Map<string, T>();
  return (text) => {
    const known = made.get(text);
    if (known !== undefined) return known;
    const value = make(text);
    if (made.size >= MOST) made.clear();
    made.set(text, value);
    return value;
  };
}
