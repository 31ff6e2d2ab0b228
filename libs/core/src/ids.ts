/** Where random identifiers come from, so that a test can make them predictable. */
export abstract class IdSource {
  /** A random UUID (version 4) in lower case. */
  abstract uuid(): string;
}

export class RandomIdSource extends IdSource {
  uuid(): string {
    return globalThis.crypto.randomUUID();
  }
}
