import { runTests } from "./node_test_shim.ts";

/** What `workerd test` calls. */
export default {
  async test(): Promise<void> {
    const { passed, failed } = await runTests();
    if (failed > 0 || passed === 0) throw new Error(`${failed} of the tests failed`);
  },
};
