// What the portable tests use of node:assert/strict. An old workerd lacks it; a new one has it, but
// takes minutes to compare the arrays of megabytes that these tests compare.

/** What an error should be: its class, its text, its fields, or a function that looks at it. */
type Expected = RegExp | ErrorClass | Judge | object;
type ErrorClass = new (...args: never[]) => object;
type Judge = (error: unknown) => unknown;
type Message = string | Error;

class AssertionError extends Error {
  override readonly name = "AssertionError";
}

function check(holds: boolean, message: Message | undefined, why: () => string): asserts holds {
  if (holds) return;
  if (message instanceof Error) throw message;
  throw new AssertionError(message === undefined ? why() : `${message}: ${why()}`);
}

/** Text for a message; long ones are cut. */
function show(value: unknown): string {
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  const text = typeof value === "object" && value !== null
    ? JSON.stringify(value, (_, part) => typeof part === "bigint" ? `${part}n` : part)
    : String(value);
  return text.length > 1000 ? `${text.slice(0, 1000)}...` : text;
}

function assert(value: unknown, message?: Message): asserts value {
  check(Boolean(value), message, () => `${show(value)} is not truthy`);
}

const checks = {
  ok: assert as typeof assert,

  equal(actual: unknown, expected: unknown, message?: Message): void {
    check(Object.is(actual, expected), message, () => `${show(actual)} is not ${show(expected)}`);
  },

  notEqual(actual: unknown, expected: unknown, message?: Message): void {
    check(!Object.is(actual, expected), message, () => `both are ${show(actual)}`);
  },

  deepEqual(actual: unknown, expected: unknown, message?: Message): void {
    check(same(actual, expected), message, () => `${show(actual)} is not ${show(expected)}`);
  },

  notDeepEqual(actual: unknown, expected: unknown, message?: Message): void {
    check(!same(actual, expected), message, () => `both are ${show(actual)}`);
  },

  match(text: string, pattern: RegExp, message?: Message): void {
    check(pattern.test(text), message, () => `${show(text)} does not match ${pattern}`);
  },

  doesNotMatch(text: string, pattern: RegExp, message?: Message): void {
    check(!pattern.test(text), message, () => `${show(text)} matches ${pattern}`);
  },

  throws(body: () => unknown, expected?: Expected, message?: Message): void {
    let thrown: { error: unknown } | undefined;
    try {
      body();
    } catch (error) {
      thrown = { error };
    }
    checkThrown(thrown, expected, message);
  },

  doesNotThrow(body: () => unknown): void {
    body();
  },

  async rejects(
    body: Promise<unknown> | (() => Promise<unknown>),
    expected?: Expected,
    message?: Message,
  ): Promise<void> {
    let thrown: { error: unknown } | undefined;
    try {
      await (typeof body === "function" ? body() : body);
    } catch (error) {
      thrown = { error };
    }
    checkThrown(thrown, expected, message);
  },

  async doesNotReject(body: Promise<unknown> | (() => Promise<unknown>)): Promise<void> {
    await (typeof body === "function" ? body() : body);
  },

  fail(message?: Message): never {
    check(false, message, () => "failed");
  },
};

const strict: typeof assert & typeof checks = Object.assign(assert, checks);
export default strict;

function checkThrown(
  thrown: { error: unknown } | undefined,
  expected: Expected | undefined,
  message: Message | undefined,
): void {
  check(thrown !== undefined, message, () => "no error where one was expected");
  const { error } = thrown;
  const why = () => `${show(error)} is not the error that was expected`;
  if (expected instanceof RegExp) {
    check(expected.test(String(error)), message, why);
  } else if (typeof expected === "function") {
    if (isErrorClass(expected)) check(error instanceof expected, message, why);
    else check((expected as Judge)(error) === true, message, why);
  } else if (expected) {
    for (const [key, value] of Object.entries(expected)) {
      const field = (error as Record<string, unknown>)[key];
      const matches = value instanceof RegExp ? value.test(String(field)) : same(field, value);
      check(matches, message, () => `${why()}: ${key} is ${show(field)}`);
    }
  }
}

function isErrorClass(value: unknown): value is ErrorClass {
  return value === Error || Object.prototype.isPrototypeOf.call(Error, value as object) ||
    value === DOMException;
}

/** Whether two values are alike all the way down, classes too. */
function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || !a || !b) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    return a.length === b.length && a.every((byte, i) => byte === b[i]);
  }
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime();
  if (a instanceof Map && b instanceof Map) return same([...a], [...b]);
  if (a instanceof Set && b instanceof Set) return same([...a], [...b]);
  if (a instanceof Error && b instanceof Error && a.message !== b.message) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) =>
    Object.hasOwn(b, key) &&
    same((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key])
  );
}
