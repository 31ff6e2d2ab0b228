import { Checkpoints, type BarrierPlace, type Checkpoint, type ListedCheckpoint, type Whereabouts } from '@changeover/events';

/** In memory. What nobody is to ask throws. */
export class KeptCheckpoints extends Checkpoints {
  listed: ListedCheckpoint[] = [];
  place: BarrierPlace | null = null;
  where: Whereabouts | null = { progress: {} as Whereabouts['progress'], parked: null };

  made(name: string, made_ms: number): void {
    this.listed.push({ name, made_ms } as Checkpoint);
  }

  get names(): readonly string[] {
    return this.listed.map(({ name }) => name);
  }

  list(): Promise<readonly ListedCheckpoint[]> {
    return Promise.resolve(this.listed);
  }

  delete(name: string): Promise<void> {
    this.listed = this.listed.filter((one) => one.name !== name);
    return Promise.resolve();
  }

  whereabouts(): Promise<Whereabouts | null> {
    return Promise.resolve(this.where);
  }

  placeOf(_token: string): Promise<BarrierPlace | null> {
    return Promise.resolve(this.place);
  }

  add(checkpoint: Checkpoint): Promise<void> {
    this.listed.push(checkpoint);
    return Promise.resolve();
  }

  find = (): never => this.#unasked();
  stop = (): never => this.#unasked();

  #unasked(): never {
    throw new TypeError('nobody asks for that');
  }
}
