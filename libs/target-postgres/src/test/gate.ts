/** A crash point that a test can wait for, and that waits for the test. */
export class Gate {
  readonly reached: Promise<void>;
  readonly #point: string;
  #reach: () => void = () => undefined;
  #release: () => void = () => undefined;
  #closed = true;

  constructor(point: string) {
    this.#point = point;
    this.reached = new Promise((resolve) => {
      this.#reach = resolve;
    });
  }

  readonly crashPoint = async (name: string): Promise<void> => {
    if (name !== this.#point || !this.#closed) return;
    const released = new Promise<void>((resolve) => {
      this.#release = resolve;
    });
    this.#reach();
    await released;
  };

  open(): void {
    this.#closed = false;
    this.#release();
  }
}
