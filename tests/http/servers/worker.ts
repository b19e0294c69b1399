import { createApp } from "./app.ts";

const worker: { fetch: ReturnType<typeof createApp> } = { fetch: createApp() };
export default worker;
