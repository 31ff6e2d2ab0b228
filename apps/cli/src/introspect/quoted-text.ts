/** As a literal of TypeScript, in the quotes that its formatters use. */
export function quotedText(text: string): string {
  const inside = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'");
  return `'${inside}'`;
}

/** As the name of a property. */
export function propertyName(name: string): string {
  return /^[A-Za-z_$][\w$]*$/u.test(name) ? name : quotedText(name);
}

/** Inside a comment, in one line. */
export function commented(text: string): string {
  return text.replaceAll('*/', '* /').replace(/\s+/gu, ' ');
}
