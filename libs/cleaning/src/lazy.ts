/** What `make` gives, made when it is first asked for: few mappings need all that the cleaners know. */
export function lazy<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
