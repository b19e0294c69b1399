/**
 * Runs a task for each item, up to so many at a time, and yields the outcomes in the items' order.
 * A task is started only when somebody asks for an outcome, its own or an earlier one.
 *
 * @param drop gets the outcomes that nobody took, because the loop was left
 */
export async function* inOrder<Item, Outcome>(
  items: Iterable<Item>,
  atATime: number,
  task: (item: Item) => Promise<Outcome>,
  drop: (outcome: Outcome) => unknown = () => {},
): AsyncGenerator<Outcome, undefined> {
  // None at a time would end at once, as if there were no items.
  if (!(atATime >= 1)) throw new RangeError(`Cannot run ${atATime} tasks at a time: at least 1`);
  const waiting = items[Symbol.iterator]();
  const running: Promise<Outcome>[] = [];
  try {
    for (;;) {
      while (running.length < atATime) {
        const { done, value } = waiting.next();
        if (done) break;
        const outcome = task(value);
        // Of several failures only the first to be asked for counts.
        outcome.catch(() => {});
        running.push(outcome);
      }
      const first = running.shift();
      if (!first) return;
      yield await first;
    }
  } finally {
    for (const left of running) left.then(drop, () => {});
  }
}
