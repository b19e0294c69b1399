import { createServer } from "node:net";

/** A port that is free now, for a program that cannot be told to find one itself. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** Asks again until the program that has just been started answers. */
export async function untilAnswered<T>(question: () => Promise<T>): Promise<T> {
  for (let tries = 0; tries < 400; tries++) {
    try {
      return await question();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  return await question();
}
