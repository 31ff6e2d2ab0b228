import { StateDraft, StateView, type StateChanges, type StateEntry, type StateLook } from '@changeover/events';

import { ofOther } from '../derive/state-keys.js';

/** Under which of two kinds of keys the state has what was derived: each mapping that comes into force takes the other one. */
export type Generation = 0 | 1;

/** What is derived by one generation of a mapping, beside what is derived by the other; the source's rows and what operators decided are the same in both. */
export class GenerationView extends StateView {
  readonly #state: StateView;

  private constructor(state: StateView) {
    super();
    this.#state = state;
  }

  static of(state: StateView, generation: Generation): StateView {
    return generation === 0 ? state : new GenerationView(state);
  }

  override get(key: Uint8Array): Buffer | undefined {
    return this.#state.get(ofOther(key));
  }

  override put(key: Uint8Array, value: Uint8Array): void {
    this.#state.put(ofOther(key), value);
  }

  override remove(key: Uint8Array): void {
    this.#state.remove(ofOther(key));
  }

  override members(set: Uint8Array, after: Uint8Array | null, limit: number): readonly Buffer[] {
    return this.#state.members(ofOther(set), after, limit);
  }

  override addMember(set: Uint8Array, member: Uint8Array): void {
    this.#state.addMember(ofOther(set), member);
  }

  override removeMember(set: Uint8Array, member: Uint8Array): void {
    this.#state.removeMember(ofOther(set), member);
  }

  override entries(prefix: Uint8Array, after: Uint8Array | null): Iterable<StateEntry> {
    return this.#state.entries(ofOther(prefix), after === null ? null : ofOther(after));
  }
}

/** A look that shows of what was derived only this generation. */
export function lookAtGeneration(look: StateLook, generation: Generation): StateLook {
  if (generation === 0) return look;
  return {
    place: look.place,
    isBetween: look.isBetween,
    entries: (prefix, after) => look.entries(ofOther(prefix), after === null ? null : ofOther(after)),
    draft: () => new GenerationDraft(look.draft(), generation),
    [Symbol.asyncDispose]: () => look[Symbol.asyncDispose](),
  };
}

class GenerationDraft extends StateDraft {
  readonly #draft: StateDraft;
  readonly #view: StateView;

  constructor(draft: StateDraft, generation: Generation) {
    super();
    this.#draft = draft;
    this.#view = GenerationView.of(draft, generation);
  }

  override get(key: Uint8Array): Buffer | undefined {
    return this.#view.get(key);
  }

  override put(key: Uint8Array, value: Uint8Array): void {
    this.#view.put(key, value);
  }

  override remove(key: Uint8Array): void {
    this.#view.remove(key);
  }

  override members(set: Uint8Array, after: Uint8Array | null, limit: number): readonly Buffer[] {
    return this.#view.members(set, after, limit);
  }

  override addMember(set: Uint8Array, member: Uint8Array): void {
    this.#view.addMember(set, member);
  }

  override removeMember(set: Uint8Array, member: Uint8Array): void {
    this.#view.removeMember(set, member);
  }

  override entries(prefix: Uint8Array, after: Uint8Array | null): Iterable<StateEntry> {
    return this.#view.entries(prefix, after);
  }

  override restart(): void {
    this.#draft.restart();
  }

  override take(): StateChanges {
    return this.#draft.take();
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.#draft[Symbol.asyncDispose]();
  }
}
