/**
 * A value that may be another one a moment later, such as an option that follows a reload. Whoever uses it reads it at
 * the moment of use, and keeps no copy.
 */
export interface Live<T> {
  /** The value of this moment. Cheap; the same object until there is another value. */
  get(): T;
}

/** A live value that its owner sets. */
export class LiveValue<T> implements Live<T> {
  #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  get(): T {
    return this.#value;
  }

  set(value: T): void {
    this.#value = value;
  }
}

/** What is made of a live value: once for each of its values, when it is asked for. */
export function derive<S, T>(source: Live<S>, make: (value: S) => T): Live<T> {
  let made: { readonly of: S; readonly value: T } | undefined;
  return {
    get() {
      const of = source.get();
      if (made === undefined || made.of !== of) made = { of, value: make(of) };
      return made.value;
    },
  };
}

/** One member of a live value. */
export function memberOf<S, Key extends keyof S>(source: Live<S>, key: Key): Live<S[Key]> {
  return { get: () => source.get()[key] };
}
