/** Everything an iterable gives, in order. */
export async function gather<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** The same thing done `count` times at once. */
export async function race<Outcome>(
  count: number,
  act: (number: number) => Promise<Outcome>,
): Promise<Outcome[]> {
  return Promise.all(Array.from({ length: count }, (_, number) => act(number)));
}
