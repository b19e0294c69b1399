// What the portable tests use of node:test. workerd's own has mocks only.

type Body = (context: Context) => void | Promise<void>;
type Hook = () => void | Promise<void>;

/** The running test, as its body sees it. */
class Context {
  readonly hooks: Hook[] = [];
  skipped: string | undefined;

  after(hook: Hook): void {
    this.hooks.push(hook);
  }

  diagnostic(message: string): void {
    console.log(`# ${message}`);
  }

  skip(why = ""): void {
    this.skipped = why;
  }
}

const tests: { name: string; skip: boolean | string; body: Body }[] = [];
const path: string[] = [];

/** Keeps a test for {@linkcode runTests}. */
export function test(name: string, ...rest: [Body] | [{ skip?: boolean | string }, Body]): void {
  const body = rest.at(-1) as Body;
  const { skip = false } = rest.length > 1 ? rest[0] as { skip?: boolean | string } : {};
  tests.push({ name: [...path, name].join(" > "), skip, body });
}

export { test as it };

/** Groups tests by name. */
export function describe(name: string, body: () => void): void {
  path.push(name);
  body();
  path.pop();
}

/** Runs all tests, one after the other, and says on the console how they ended. */
export async function runTests(): Promise<{ passed: number; failed: number; skipped: number }> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { name, skip, body } of tests) {
    const context = new Context();
    try {
      if (skip) context.skip(skip === true ? "" : skip);
      else await body(context);
      counts[context.skipped === undefined ? "passed" : "skipped"]++;
      console.log(`ok - ${name}`);
    } catch (error) {
      counts.failed++;
      console.error(`not ok - ${name}\n${error instanceof Error ? error.stack : error}`);
    } finally {
      for (const hook of context.hooks) await hook();
    }
  }
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  return counts;
}
